//! Records that are read ahead of the verifier, in batches. Another thread
//! reads and hashes a batch while the verifier checks the one before it.

use crate::RunHasher;
use pow_core::chain::PreparedBlocks;
use pow_ledger::{ChainReader, ReadError, Record};
use std::collections::VecDeque;
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, available_parallelism};

/// Blocks in a batch: some 100 µs of work, so that waking a thread costs little.
const BLOCKS: usize = 256;

/// Bytes of blocks and bodies after which a batch ends. One body may have more.
const BYTES: usize = 1 << 20;

/// Batches that are read before the verifier takes the first of them.
const AHEAD: usize = 3;

/// A record, and where it ends.
pub struct ReadRecord {
    pub record: Record,
    /// Offset of the next record, in bytes.
    pub end: u64,
}

/// Consecutive records, prepared for the verifier.
pub struct Batch {
    pub records: Vec<ReadRecord>,
    pub blocks: PreparedBlocks,
}

impl Batch {
    fn of(records: Vec<ReadRecord>, hasher: &dyn RunHasher) -> Self {
        let bytes = records.iter().map(|read| &read.record);
        let bytes = bytes.map(|record| (&record.block[..], &record.body[..]));
        let blocks = PreparedBlocks::new(&bytes.collect::<Vec<_>>(), hasher);
        Batch { records, blocks }
    }
}

/// The batches of a chain file, in order.
pub struct Batches<'scope, 'env, R> {
    reader: ChainReader<R>,
    hasher: &'env dyn RunHasher,
    scope: &'scope Scope<'scope, 'env>,
    helper: Option<Helper>,
    /// Batches that are here, prepared without a helper.
    ready: VecDeque<Batch>,
    /// Why reading ended.
    ended: Option<Result<(), ReadError>>,
}

/// A thread that prepares batches.
struct Helper {
    orders: SyncSender<Vec<ReadRecord>>,
    done: Receiver<Batch>,
    /// Batches that it has or has prepared.
    under_way: usize,
}

impl<'scope, 'env, R: Read> Batches<'scope, 'env, R> {
    pub fn new(
        reader: ChainReader<R>,
        hasher: &'env dyn RunHasher,
        scope: &'scope Scope<'scope, 'env>,
    ) -> Self {
        Batches {
            reader,
            hasher,
            scope,
            helper: None,
            ready: VecDeque::new(),
            ended: None,
        }
    }

    /// The next batch, never an empty one. `None` after the last.
    pub fn next(&mut self) -> Option<Batch> {
        while self.ended.is_none() && self.under_way() < AHEAD {
            let records = self.read();
            if !records.is_empty() {
                self.prepare(records);
            }
        }
        if let Some(batch) = self.ready.pop_front() {
            return Some(batch);
        }
        let helper = self.helper.as_mut().filter(|helper| helper.under_way > 0)?;
        helper.under_way -= 1;
        // There is no answer if the thread panicked. Then the scope panics, too.
        helper.done.recv().ok()
    }

    /// The reader behind the last batch, or why it could not go on.
    pub fn finish(self) -> Result<ChainReader<R>, ReadError> {
        match self.ended {
            Some(Err(error)) => Err(error),
            _ => Ok(self.reader),
        }
    }

    fn under_way(&self) -> usize {
        let with_helper = self.helper.as_ref().map_or(0, |helper| helper.under_way);
        self.ready.len() + with_helper
    }

    /// The records of a batch. Fewer than it may have, or none, once the reader
    /// has ended.
    fn read(&mut self) -> Vec<ReadRecord> {
        let mut records = Vec::new();
        let mut bytes = 0;
        while records.len() < BLOCKS && bytes < BYTES {
            match self.reader.next() {
                Some(Ok(record)) => {
                    bytes += record.block.len() + record.body.len();
                    let end = self.reader.offset();
                    records.push(ReadRecord { record, end });
                }
                last => {
                    self.ended = Some(last.map_or(Ok(()), |last| last.map(|_| ())));
                    break;
                }
            }
        }
        records
    }

    /// Prepares a batch: with a helper if there is one, or if this batch is not
    /// the only one. Else a thread would cost more than it saves.
    fn prepare(&mut self, records: Vec<ReadRecord>) {
        if self.helper.is_none() && self.ended.is_none() && self.ready.is_empty() {
            self.helper = Helper::start(self.scope, self.hasher);
        }
        let records = match &mut self.helper {
            Some(helper) => match helper.orders.send(records) {
                Ok(()) => {
                    helper.under_way += 1;
                    return;
                }
                Err(not_sent) => not_sent.0,
            },
            None => records,
        };
        self.ready.push_back(Batch::of(records, self.hasher));
    }
}

impl Helper {
    /// `None` on a machine with one core, and where the system has no threads.
    fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        hasher: &'scope dyn RunHasher,
    ) -> Option<Self> {
        available_parallelism()
            .ok()
            .filter(|cores| *cores > NonZeroUsize::MIN)?;
        let (orders, ordered) = sync_channel::<Vec<ReadRecord>>(AHEAD);
        let (deliver, done) = sync_channel(AHEAD);
        let work = move || {
            for records in ordered {
                // Nobody waits for the batch once the walk has ended.
                if deliver.send(Batch::of(records, hasher)).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("pow-audit".into());
        thread.spawn_scoped(scope, work).ok()?;
        Some(Helper {
            orders,
            done,
            under_way: 0,
        })
    }
}
