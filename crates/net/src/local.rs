//! The door for whoever is on this machine and may enter the data directory: one question and one answer, a line each.
//!
//! It has connections and limits of its own, so that nothing that happens on the public door, or between a node and its
//! database, keeps an operator from reaching the node that runs.

use std::{
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

/// The longest line.
const LINE: u64 = 64 << 10;
/// Questions that are answered at once.
const AT_ONCE: usize = 16;
/// How long whoever connected may take to ask.
const TO_ASK: Duration = Duration::from_secs(2);

/// What is said to whoever connects: a process that hangs says nothing, although its system takes the connection.
const GREETING: u8 = b'!';
/// How long that may take.
const TO_GREET: Duration = Duration::from_millis(500);

/// The socket, until it is dropped.
#[derive(Debug)]
pub struct LocalListener {
    listener: UnixListener,
    path: PathBuf,
}

impl LocalListener {
    /// Makes the socket, for the owner alone, in place of one that nobody answers at.
    ///
    /// # Errors
    /// [`ErrorKind::AddrInUse`] when another process answers there.
    pub async fn bind(path: &Path) -> io::Result<Self> {
        if path.exists() {
            match UnixStream::connect(path).await {
                Ok(_) => return Err(ErrorKind::AddrInUse.into()),
                Err(_) => std::fs::remove_file(path)?,
            }
        }
        let listener = within_a_closed_directory(path, |_| {})?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers until it is dropped.
    pub async fn serve<F, A>(self, answer: F)
    where
        F: Fn(Vec<u8>) -> A + Send + Sync + 'static,
        A: Future<Output = Vec<u8>> + Send + 'static,
    {
        let (answer, room) = (Arc::new(answer), Arc::new(Semaphore::new(AT_ONCE)));
        loop {
            let Ok(place) = room.clone().acquire_owned().await else { return };
            let Ok((mut stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let answer = answer.clone();
            tokio::spawn(async move {
                let _place = place;
                if stream.write_all(&[GREETING]).await.is_ok()
                    && let Ok(Ok(question)) = timeout(TO_ASK, line(&mut stream)).await
                {
                    let mut said = answer(question).await;
                    said.push(b'\n');
                    let _ = timeout(TO_ASK, stream.write_all(&said)).await;
                }
            });
        }
    }
}

/// Binds where nobody else can connect, closes the socket to others there, and only then moves it to `path`.
///
/// A socket is made with a mode that the process was given, and takes connections from that moment on.
/// `before` sees it before it is closed.
fn within_a_closed_directory(path: &Path, before: impl FnOnce(&Path)) -> io::Result<UnixListener> {
    let directory = path.with_extension(format!("{}", std::process::id()));
    // What a process of this number left behind.
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::DirBuilder::new().mode(0o700).create(&directory)?;
    let made = directory.join("sock");
    let moved = UnixListener::bind(&made).and_then(|listener| {
        before(&made);
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&made, path)?;
        Ok(listener)
    });
    let _ = std::fs::remove_dir_all(&directory);
    moved
}

impl Drop for LocalListener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there, or whoever is there hangs: nothing was asked.
    #[error("nobody answers at this socket: {0}")]
    Nobody(io::Error),
    /// It was asked, and there is no answer: it may have been carried out.
    #[error("there was no answer: {0}")]
    NoAnswer(io::Error),
}

/// Asks whoever answers at `path`, and waits for the answer for `patience`.
pub async fn ask(path: &Path, question: &[u8], patience: Duration) -> Result<Vec<u8>, AskError> {
    let greeted = async {
        let mut stream = UnixStream::connect(path).await?;
        stream.read_u8().await?;
        Ok(stream)
    };
    let mut stream = in_time(TO_GREET, greeted).await.map_err(AskError::Nobody)?;
    let answered = async {
        stream.write_all(question).await?;
        stream.write_all(b"\n").await?;
        line(&mut stream).await
    };
    in_time(patience, answered).await.map_err(AskError::NoAnswer)
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

async fn line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LINE)).read_until(b'\n', &mut line).await?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo(path: &Path) -> tokio::task::JoinHandle<()> {
        let listener = LocalListener::bind(path).await.unwrap();
        tokio::spawn(listener.serve(|question| async move { [b"said ", question.as_slice()].concat() }))
    }

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn one_question_has_one_answer_and_the_socket_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let _served = echo(&path).await;
        assert_eq!(ask(&path, b"hello", PATIENCE).await.unwrap(), b"said hello");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = LocalListener::bind(&path).await;
        assert_eq!(second.unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(ask(&path, b"still", PATIENCE).await.unwrap(), b"said still");
    }

    #[tokio::test]
    async fn a_socket_that_nobody_answers_at_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(ask(&path, b"hello", PATIENCE).await.is_err());
        let _served = echo(&path).await;
        assert_eq!(ask(&path, b"hello", PATIENCE).await.unwrap(), b"said hello");
    }

    /// Field: N3
    #[tokio::test]
    async fn a_process_that_hangs_is_not_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let _hangs = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let asked = ask(&path, b"hello", Duration::from_secs(3600)).await;
        assert!(matches!(asked, Err(AskError::Nobody(why)) if why.kind() == ErrorKind::TimedOut));
    }

    /// It may have done what it was asked: whoever asks somebody else next has to know.
    ///
    /// Field: N17
    #[tokio::test]
    async fn who_greeted_and_then_says_nothing_was_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let listener = LocalListener::bind(&path).await.unwrap();
        let _served = tokio::spawn(listener.serve(|_| std::future::pending()));
        let asked = ask(&path, b"hello", Duration::from_millis(20)).await;
        assert!(matches!(asked, Err(AskError::NoAnswer(why)) if why.kind() == ErrorKind::TimedOut));
    }

    /// The mode that a socket is made with depends on the process; whoever connects before it is changed is in.
    ///
    /// Field: N17
    #[tokio::test]
    async fn a_socket_is_its_owners_alone_from_the_first_moment() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let bound = within_a_closed_directory(&path, |made| {
            assert!(!path.exists(), "nobody finds it before it is closed");
            assert_eq!(mode(made.parent().unwrap()), 0o700);
        });
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else stays behind");
        drop(bound.unwrap());
        // A directory that a killed process left in the way is no obstacle.
        let left = path.with_extension(std::process::id().to_string());
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("sock"), "").unwrap();
        drop(LocalListener::bind(&path).await.unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn who_says_nothing_or_too_much_holds_up_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let _served = echo(&path).await;
        let silent = UnixStream::connect(&path).await.unwrap();
        assert!(ask(&path, &vec![b'x'; LINE as usize + 1], PATIENCE).await.is_err());
        assert_eq!(ask(&path, b"hello", PATIENCE).await.unwrap(), b"said hello");
        drop(silent);
    }
}
