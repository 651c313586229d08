//! The door for whoever is on this machine and may enter the data directory: one question and one answer, a line each.
//!
//! It has connections and limits of its own, so that nothing that happens on the public door, or between a node and its
//! database, keeps an operator from reaching the node that runs.

use std::{
    io::{self, ErrorKind},
    os::unix::fs::PermissionsExt,
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
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
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

impl Drop for LocalListener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Asks whoever answers at `path`.
///
/// # Errors
/// When nobody is there, or whoever is there hangs: then nothing was asked. And when there is no answer within
/// `patience`: then it may have been carried out.
pub async fn ask(path: &Path, question: &[u8], patience: Duration) -> io::Result<Vec<u8>> {
    let asked = async {
        let mut stream = UnixStream::connect(path).await?;
        timeout(TO_GREET, stream.read_u8()).await.map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
        stream.write_all(question).await?;
        stream.write_all(b"\n").await?;
        line(&mut stream).await
    };
    timeout(patience, asked).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
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
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::TimedOut);
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
