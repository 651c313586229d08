//! Starting the tasks behind a handle.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use crypto::MasterKey;
use model::Timestamp;
use sqlx::AnyConnection;
use tokio::sync::{mpsc, watch};

use crate::{
    engine::{
        lost_calls::LostCalls,
        options::OpenOptions,
        outbox::Outbox,
        store::{Shared, Store},
        wal_checkpoint,
        writer::Writer,
    },
    epoch::{
        lease::NodeName,
        uptime::Uptime,
        view::{Seen, View},
        watcher::Watcher,
    },
    files::{
        open_file::{OpenFile, OpenLog},
        wal_size::WalSize,
    },
    log::{
        index::Posted,
        known_head::KnownHead,
        open_calls::OpenCalls,
        signer::{LogName, LogSigner},
        witness_file::Keeper,
    },
    sql::{
        connect::{Connect, Dialect},
        damage,
        readers::Readers,
    },
};

/// What opening leaves behind.
pub(super) struct Parts {
    pub(super) options: OpenOptions,
    pub(super) connect: Connect,
    pub(super) connection: AnyConnection,
    pub(super) master: MasterKey,
    pub(super) signer: LogSigner,
    pub(super) known: KnownHead,
    pub(super) seen: Seen,
    pub(super) node: Option<NodeName>,
    pub(super) file: Option<OpenFile>,
    /// The tables of a file were looked at; otherwise that is done while it serves.
    pub(super) is_looked_at: bool,
    /// Before anything of this node was written.
    pub(super) began: Uptime,
}

/// Starts the tasks behind a handle: the writer, the watcher, and what helps them.
pub(super) fn start(parts: Parts) -> Store {
    let Parts { options, connect, connection, master, signer, known, seen, node, file, is_looked_at, began } = parts;
    let silence = options.store_silence.duration();
    let view = Arc::new(View::new(seen, master, silence, began, known.at()));
    let readers = Arc::new(Readers::new(connect.clone()));
    let is_node = node.is_some();
    let (jobs, queue) = mpsc::channel(QUEUE);
    let (stop, stopped) = watch::channel(());
    let (log_public_key, log_origin) = (signer.public, signer.origin.clone());
    view.changed(known.head.changed_at);
    let log = LogName::of(&signer);
    if !is_looked_at {
        let (connect, view) = (connect.clone(), view.clone());
        tokio::spawn(async move {
            if let Some(why) = damage::found_later(&connect).await {
                tracing::error!(event = "database_damaged", why, "keep a copy, and restore the newest backup");
                view.close();
            }
        });
    }
    let outbox = Arc::new(Outbox::new(connect.clone()));
    let writer = Writer {
        connect: connect.clone(),
        connection: Some(connection),
        signer,
        clock: options.clock.clone(),
        view: view.clone(),
        known,
        keeper: Keeper::new(options.data_dir.clone()),
        swept_at: Timestamp::default(),
        postponed: VecDeque::new(),
        is_node,
        calls: OpenCalls::of(node.as_ref().map(|node| node.name.clone())),
        posted: Posted::default(),
        outbox: outbox.clone(),
    };
    tokio::spawn(writer.run(queue));
    if let Some(node) = &node {
        let lost = LostCalls { readers: readers.clone(), jobs: jobs.downgrade(), node: node.name.clone(), silence };
        tokio::spawn(lost.run(stopped.clone()));
    }
    let watcher = Watcher {
        connect: connect.clone(),
        connection: None,
        view: view.clone(),
        readers: readers.clone(),
        node,
        silence,
        clock: options.clock.clone(),
        log,
        data_dir: options.data_dir.clone(),
        file,
        wal: OpenLog::default(),
        wal_size: WalSize::default(),
    };
    let (beside, shown) = (connect.clone(), view.clone());
    let watched = async move {
        let mover = async {
            if beside.dialect == Dialect::Sqlite {
                wal_checkpoint::run(beside, shown, stopped.clone()).await;
            }
        };
        tokio::join!(watcher.run(stopped.clone()), mover);
    };
    let watcher = Mutex::new(Some((stop, tokio::spawn(watched))));
    let shared = Shared { options, connect, log_public_key, log_origin, view, readers, jobs, is_node, watcher, outbox };
    Store { shared: Arc::new(shared) }
}

/// How many callers may wait in the queue of the writer; more wait in front of it.
const QUEUE: usize = 4096;
