//! A disk without room.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::Command,
    time::Instant,
};

use portcullis_world::{Callers, World, WorldConfig, skipped};
use tempfile::TempDir;

use crate::{agent, nothing_is_stale, revoked, rounds, say, until_readiness_is};

/// A file system of a few MiB in memory; gone when dropped.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where nothing may be mounted.
    pub fn mount() -> Option<Self> {
        let place = TempDir::new().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(place.path()).output();
        mounted.ok()?.status.success().then(|| Self(place))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room there is.
    pub fn fill(&self) {
        let mut ballast = File::create(self.path().join("ballast")).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    pub fn make_room(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Field: N9, S11
#[tokio::test]
async fn on_a_full_disk_calls_are_503_and_an_agent_can_still_be_stopped() {
    let Some(disk) = SmallDisk::mount() else { return skipped("nobody but root mounts a file system of a few MiB") };
    let data_dir = Some(disk.path().join("data"));
    let world = World::start_with(WorldConfig { data_dir, ..WorldConfig::default() }).await;
    let checked = world.run(&["check"]).await.status.code();
    for _ in 0..rounds(1, 4) {
        let callers = Callers::of(&agent(&world, "nightly").await, 4);
        let others = Callers::of(&agent(&world, "weekly").await, 1);
        callers.until_accepted_after(Instant::now()).await;
        // The room that is kept back is taken within a few seconds of a start, or of a commit that went through.
        while !world.data_dir().join("disk-reserve").exists() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }

        disk.fill();
        let full = Instant::now();
        callers.until_answered(503, full).await;
        until_readiness_is(503, world.url()).await;
        say(&format!("a full disk: not ready after {:?}: {:?}", full.elapsed(), callers.answers()));
        world.run(&["revoked"]).await.succeeded();
        assert_eq!(world.run(&["check"]).await.status.code(), checked);

        let acknowledged = revoked(&world.portcullis).await;
        say(&format!("a full disk: `revoke` took {:?}", full.elapsed()));
        let listed = world.run(&["revoked"]).await.succeeded();
        assert!(listed.contains("nightly"), "{listed}");
        callers.until_answered(401, acknowledged).await;

        disk.make_room();
        until_readiness_is(200, world.url()).await;
        others.until_accepted_after(Instant::now()).await;
        nothing_is_stale("a full disk", &[&callers], acknowledged);
        crate::restored(&world).await;
    }
    world.run(&["audit", "verify"]).await.succeeded();
}
