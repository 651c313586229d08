//! What the process says in its log while a test runs.

use std::{
    fmt,
    sync::{Arc, LazyLock, Mutex},
};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::{DefaultGuard, set_default},
};

/// The log of this thread, from now on until it is dropped.
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

/// While there is only one listener, a line that another test says first is asked of that test's thread alone, which
/// does not listen, and is never said again to anybody. So there is always another one.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Collects(Arc::default())));

impl Log {
    pub fn begin() -> Self {
        LazyLock::force(&ANOTHER);
        let lines = Arc::<Mutex<Vec<String>>>::default();
        Self { lines: lines.clone(), _guard: set_default(Collects(lines)) }
    }

    /// The lines of one event, each as `name=value`, one after the other.
    pub fn of(&self, event: &str) -> Vec<String> {
        let mark = format!("event={event} ");
        self.lines.lock().unwrap().iter().filter(|line| line.contains(&mark)).cloned().collect()
    }
}

struct Collects(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push_str(&format!("{field}={value} "));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Collects {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
