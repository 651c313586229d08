//! Records of what was only counted.

use std::hash::Hash;

use model::{Event, Sampling};

use crate::engine::store::Store;

impl Store {
    /// Records what `sampling` has counted and is due although nothing further came; all of it, when it is the `last` time.
    /// What can not be recorded now is put back.
    pub async fn write_counted<K: Clone + Eq + Hash>(&self, sampling: &Sampling<K, Event>, last: bool) {
        for due in sampling.due(self.now(), last) {
            if let Err(error) = self.record(due.event.clone().counted(due.count)).await {
                self.failed("record_failed", &error);
                sampling.put_back(due, self.now());
            }
        }
    }
}
