//! A way to a server that a test may lead elsewhere, or cut.

use std::io;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};

/// Passes connections on to a port of this machine.
pub struct Forwarder {
    port: u16,
    /// Where it leads; nowhere when it is cut.
    way: watch::Sender<Option<u16>>,
    accepting: AbortHandle,
}

impl Forwarder {
    /// A way to `port`.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let (way, leads) = watch::channel(Some(port));
        let accepting = tokio::spawn(accept(listener, leads)).abort_handle();
        Self { port: own, way, accepting }
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Breaks what is connected, and leads to `port` from now.
    pub fn lead_to(&self, port: u16) {
        self.way.send_replace(Some(port));
    }

    /// Breaks what is connected, and leads nowhere.
    pub fn cut(&self) {
        self.way.send_replace(None);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, way: watch::Receiver<Option<u16>>) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        // A connection that breaks concerns its two ends only.
        tokio::spawn(pass(client, way.clone()));
    }
}

async fn pass(mut client: TcpStream, mut way: watch::Receiver<Option<u16>>) -> io::Result<()> {
    let leads = *way.borrow_and_update();
    let Some(port) = leads else { return Ok(()) };
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    tokio::select! {
        passed = copy_bidirectional(&mut client, &mut server) => passed.map(|_| ()),
        _ = way.changed() => Ok(()),
    }
}
