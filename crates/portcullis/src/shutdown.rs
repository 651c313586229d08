//! When to stop: Ctrl-C, or SIGTERM from a supervisor.

use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};

/// Completes when the process is asked to stop. From the call on, being asked no longer ends it at once.
pub fn requested() -> impl Future<Output = ()> {
    let terminate = signal(SignalKind::terminate());
    async move {
        match terminate {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => {
                let _ = ctrl_c().await;
            }
        }
    }
}
