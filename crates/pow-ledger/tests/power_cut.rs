//! What a power cut leaves of a chain file, and what the reader makes of it.
#![allow(clippy::unwrap_used, reason = "also in functions that tests share")]

use pow_ledger::{ChainReader, ChainWriter, Disk, Durability, LedgerError, RunDir};
use std::sync::{Arc, Mutex};

/// What a disk was asked for, in order, and what its user then relied on.
#[derive(Clone, Debug)]
enum Event {
    Written(Vec<u8>),
    Synced,
    /// So many records are acknowledged.
    Acknowledged(usize),
}

/// Notes what it is asked for.
#[derive(Clone, Debug, Default)]
struct Noted(Arc<Mutex<Vec<Event>>>);

impl Noted {
    fn note(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Disk for Noted {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.note(Event::Written(bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.note(Event::Synced);
        Ok(())
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn pick(&mut self, from: &[usize]) -> usize {
        from[self.below(from.len())]
    }
}

/// A block and a body.
type Content = (Vec<u8>, Vec<u8>);

/// Of a length that may cross several sectors.
fn record(random: &mut Random) -> Content {
    let len = match random.below(4) {
        0 => 3000 + random.below(9000),
        _ => 60 + random.below(700),
    };
    let body = (0..len).map(|_| random.below(256) as u8).collect();
    (vec![random.below(256) as u8; 189], body)
}

/// Appends records, and syncs now and then as a group.
fn written(durability: Durability, random: &mut Random) -> (Vec<Event>, Vec<Content>) {
    let disk = Noted::default();
    let place = tempfile::tempdir().unwrap();
    let chain = ChainWriter::create(&place.path().join("chain.pow"), durability).unwrap();
    let mut chain = chain.through(|_| Box::new(disk.clone()));
    let mut records = Vec::new();
    for _ in 0..12 {
        let (block, body) = record(random);
        chain.append(&block, &body).unwrap();
        records.push((block, body));
        let synced = match durability {
            // To have appended it is enough.
            Durability::EveryBlock => true,
            Durability::Grouped => random.below(4) == 0,
        };
        if synced && durability == Durability::Grouped {
            chain.sync().unwrap();
        }
        if synced {
            disk.note(Event::Acknowledged(records.len()));
        }
    }
    let events = disk.0.lock().unwrap().clone();
    (events, records)
}

/// What lies between the last sync and a power cut.
struct Cut {
    /// All that was written.
    written: Vec<u8>,
    /// How much of it was synced.
    synced: usize,
    /// Lengths of the file in between, both included: its states.
    lengths: Vec<usize>,
    acknowledged: usize,
}

impl Cut {
    fn after(events: &[Event]) -> Self {
        let mut cut = Cut {
            written: b"POWCHAIN\x01\0\0\0\0\0\0\0".to_vec(),
            synced: 16,
            lengths: vec![16],
            acknowledged: 0,
        };
        for event in events {
            match event {
                Event::Written(bytes) => {
                    cut.written.extend(bytes);
                    cut.lengths.push(cut.written.len());
                }
                Event::Synced => {
                    cut.synced = cut.written.len();
                    cut.lengths = vec![cut.synced];
                }
                Event::Acknowledged(records) => cut.acknowledged = *records,
            }
        }
        cut
    }

    /// A file that the disk may have then: each sector is as it was at some time
    /// since the sync, and so is the length, or between. A sector that was never
    /// written holds zeros.
    fn disk(&self, sector: usize, order: Order, random: &mut Random) -> Vec<u8> {
        let (from, to) = (self.synced, self.written.len());
        let len = match random.below(3) {
            0 => from + random.below(to - from + 1),
            1 => to,
            _ => random.pick(&self.lengths),
        };
        let mut file = self.written[..from].to_vec();
        file.resize(len, 0);
        let reached = from + random.below(to - from + 1);
        for start in (from / sector * sector..to).step_by(sector) {
            let version = match order {
                Order::Any => random.pick(&self.lengths),
                Order::Kept if start + sector <= reached => to,
                Order::Kept if start > reached => from,
                Order::Kept => random.pick(&self.lengths),
            };
            let range = start.max(from)..version.min(start + sector).min(len);
            if !range.is_empty() {
                file[range.clone()].copy_from_slice(&self.written[range]);
            }
        }
        file
    }
}

/// In which order the disk writes sectors that were not synced.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Kept,
    Any,
}

/// How the reader took what a power cut left.
#[derive(Debug, Default)]
struct Seen {
    whole: u32,
    torn: u32,
    damaged: u32,
}

/// Cuts the power at every point, and again and again, and checks that every
/// acknowledged record is read, and none that was never written.
fn cut_everywhere(durability: Durability, order: Order) -> Seen {
    let mut random = Random(1);
    let mut seen = Seen::default();
    for _ in 0..10 {
        let (events, records) = written(durability, &mut random);
        for end in 0..=events.len() {
            let cut = Cut::after(&events[..end]);
            for sector in [512, 4096] {
                for _ in 0..20 {
                    let file = cut.disk(sector, order, &mut random);
                    let mut reader = ChainReader::new(&file[..]).unwrap();
                    let mut count = 0;
                    let mut damaged = false;
                    for found in reader.by_ref() {
                        let Ok(found) = found else {
                            damaged = true;
                            break;
                        };
                        assert_eq!(
                            (&found.block, &found.body),
                            (&records[count].0, &records[count].1)
                        );
                        count += 1;
                    }
                    assert!(count >= cut.acknowledged, "{count} of {}", cut.acknowledged);
                    match (damaged, reader.torn()) {
                        (true, _) => seen.damaged += 1,
                        (false, Some(_)) => seen.torn += 1,
                        (false, None) => seen.whole += 1,
                    }
                    if !damaged && seen.torn.is_multiple_of(50) {
                        goes_on(&file, reader.offset() as usize);
                    }
                }
            }
        }
    }
    eprintln!("{durability:?}, {order:?}: {seen:?}");
    seen
}

/// The run can be reopened; its whole records stay, and the rest is kept.
fn goes_on(file: &[u8], whole: usize) {
    let place = tempfile::tempdir().unwrap();
    let run = RunDir::new(place.path().join("run"));
    drop(run.create(b"{}", Durability::Grouped).unwrap());
    std::fs::write(run.chain(), file).unwrap();
    let left = run.read_saved(|_| Ok::<(), LedgerError>(())).unwrap();
    let mut reopened = left.reopen(Durability::EveryBlock).unwrap();
    if let Some(recovered) = &reopened.recovered {
        assert_eq!(std::fs::read(&recovered.kept).unwrap(), file[whole..]);
    }
    reopened.chain.append(&[1; 189], &[2; 100]).unwrap();
    let after = std::fs::read(run.chain()).unwrap();
    assert_eq!(after[..whole], file[..whole]);
    assert_eq!(after.len(), whole + 16 + 189 + 100 + 4);
}

#[test]
fn a_power_cut_takes_no_acknowledged_record() {
    for durability in [Durability::EveryBlock, Durability::Grouped] {
        cut_everywhere(durability, Order::Any);
    }
}

#[test]
fn a_disk_that_keeps_the_order_of_writes_leaves_no_damage() {
    for durability in [Durability::EveryBlock, Durability::Grouped] {
        let seen = cut_everywhere(durability, Order::Kept);
        assert!(seen.torn > 0);
        assert_eq!(seen.damaged, 0, "{durability:?}");
    }
}
