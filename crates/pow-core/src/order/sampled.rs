//! Orders that show samples more than once, not at all, or beside others of their
//! length.

use crate::hash::{DatasetRoot, FileDigest, Tag, TaggedHasher};
use crate::order::{OrderTable, SeededOrder, first_u64};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// What genesis declares about a sampled order, in an
/// [extension](crate::extension::Known::SampledOrder).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledRule {
    /// The number of samples in the training set.
    pub items: NonZeroU32,
    /// Samples in a micro-batch. The last micro-batch of an epoch may have fewer.
    pub batch: NonZeroU32,
    /// Micro-batches in an optimizer step.
    pub accumulation: NonZeroU32,
    /// How an epoch's samples are chosen.
    pub sampler: Sampler,
}

/// How an epoch's samples are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sampler {
    /// Drawn with replacement. All samples are equally likely.
    Uniform {
        /// The number of samples drawn for an epoch.
        draws: NonZeroU32,
    },
    /// Drawn with replacement. A sample is as likely as its number in the table is large.
    Weighted {
        /// The number of samples drawn for an epoch.
        draws: NonZeroU32,
        /// The digest of the [`OrderTable`] of weights.
        table: FileDigest,
    },
    /// Every sample once. A micro-batch has samples whose numbers in the table are close.
    Bucketed {
        /// The number of micro-batches whose samples are sorted together.
        window: NonZeroU32,
        /// The digest of the [`OrderTable`] of lengths.
        table: FileDigest,
    },
}

impl SampledRule {
    /// The number of samples in an epoch.
    pub fn epoch_len(&self) -> NonZeroU32 {
        match self.sampler {
            Sampler::Uniform { draws } | Sampler::Weighted { draws, .. } => draws,
            Sampler::Bucketed { .. } => self.items,
        }
    }

    /// The digest of the table that the order needs. `None` if it needs none.
    pub fn table(&self) -> Option<FileDigest> {
        match self.sampler {
            Sampler::Uniform { .. } => None,
            Sampler::Weighted { table, .. } | Sampler::Bucketed { table, .. } => Some(table),
        }
    }
}

/// Why a table does not give an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The order needs a table, and there is none.
    #[error("the table of the order is missing")]
    Missing,
    /// It is not the table that is declared.
    #[error("the table has digest {found}, but {expected} is declared")]
    Digest {
        /// Digest of the table.
        found: FileDigest,
        /// Digest that is declared.
        expected: FileDigest,
    },
    /// It has another number of numbers than there are samples.
    #[error("the table has {found} numbers, expected one for each of {expected} samples")]
    Length {
        /// The number of numbers.
        found: usize,
        /// The number of samples.
        expected: u32,
    },
    /// All weights are zero, so nothing can be drawn.
    #[error("all weights are zero, so no sample can be drawn")]
    NoWeight,
    /// The weights are too large together.
    #[error("the weights add up to 2^64 or more")]
    TooMuchWeight,
}

/// A sampled order: which samples an epoch shows, and in which order. It follows from
/// genesis and the table alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampledOrder {
    dataset: DatasetRoot,
    seed: u64,
    rule: SampledRule,
    choice: Choice,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    Uniform,
    /// The sums of the weights up to and including each sample.
    Weighted(Arc<[u64]>),
    Bucketed(OrderTable),
}

impl SampledOrder {
    /// The order that a genesis declares with this dataset root, seed and rule. A table
    /// that the rule does not need is ignored.
    ///
    /// ```
    /// use core::num::NonZeroU32;
    /// use pow_core::hash::DatasetRoot;
    /// use pow_core::order::{OrderTable, SampledOrder, SampledRule, Sampler};
    ///
    /// let weights = OrderTable::new([0, 1, 9]);
    /// let number = |n| NonZeroU32::new(n).expect("not zero");
    /// let rule = SampledRule {
    ///     items: number(3),
    ///     batch: number(10),
    ///     accumulation: number(1),
    ///     sampler: Sampler::Weighted { draws: number(1000), table: weights.digest() },
    /// };
    /// let order = SampledOrder::new(DatasetRoot([0; 32]), 7, rule, Some(&weights))?;
    /// let epoch = order.epoch(0);
    /// let times = |sample| epoch.iter().filter(|drawn| **drawn == sample).count();
    /// assert_eq!(times(0), 0);
    /// assert!(times(2) > 5 * times(1));
    /// # Ok::<(), pow_core::order::TableError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TableError`] if the rule needs another table.
    pub fn new(
        dataset: DatasetRoot,
        seed: u64,
        rule: SampledRule,
        table: Option<&OrderTable>,
    ) -> Result<Self, TableError> {
        let declared = |expected: FileDigest| {
            let table = table.ok_or(TableError::Missing)?;
            let (numbers, items) = (table.numbers().len(), rule.items.get());
            if numbers != items as usize {
                return Err(TableError::Length {
                    found: numbers,
                    expected: items,
                });
            }
            let found = table.digest();
            if found != expected {
                return Err(TableError::Digest { found, expected });
            }
            Ok(table)
        };
        let choice = match rule.sampler {
            Sampler::Uniform { .. } => Choice::Uniform,
            Sampler::Weighted { table, .. } => Choice::Weighted(sums(declared(table)?)?),
            Sampler::Bucketed { table, .. } => Choice::Bucketed(declared(table)?.clone()),
        };
        Ok(SampledOrder {
            dataset,
            seed,
            rule,
            choice,
        })
    }

    /// What genesis declares about it.
    pub fn rule(&self) -> &SampledRule {
        &self.rule
    }

    /// The samples of `epoch`, counted from 0, in the order in which they are seen. This
    /// takes 16 bytes of memory for each sample.
    pub fn epoch(&self, epoch: u64) -> Vec<u32> {
        match &self.choice {
            Choice::Uniform => self.drawn(epoch, self.rule.items.get().into(), |at| at as u32),
            // The last sum is the sum of all weights, and `at` is below it. So a sample
            // without weight is never found: the sample before has the same sum.
            Choice::Weighted(sums) => self.drawn(epoch, sums.last().copied().unwrap_or(0), |at| {
                sums.partition_point(|sum| *sum <= at) as u32
            }),
            Choice::Bucketed(lengths) => self.bucketed(epoch, lengths.numbers()),
        }
    }

    /// Draws numbers below `end`, and returns the samples that they stand for.
    fn drawn(&self, epoch: u64, end: u64, sample: impl Fn(u64) -> u32) -> Vec<u32> {
        let key = self.key(Tag::Draw, epoch);
        let draw = |draw: u32| {
            let drawn = first_u64(key.clone().chain(&draw.to_le_bytes()));
            // Below `end`, so it fits.
            sample(((u128::from(drawn) * u128::from(end)) >> 64) as u64)
        };
        (0..self.rule.epoch_len().get()).map(draw).collect()
    }

    fn bucketed(&self, epoch: u64, lengths: &[u64]) -> Vec<u32> {
        let seeded = SeededOrder {
            dataset: self.dataset,
            seed: self.seed,
            items: self.rule.items.get(),
        };
        let mut samples = seeded.epoch(epoch);
        let Sampler::Bucketed { window, .. } = self.rule.sampler else {
            return samples;
        };
        let batch = self.rule.batch.get() as usize;
        for window in samples.chunks_mut(batch.saturating_mul(window.get() as usize)) {
            // Stable, so equal ones keep their order.
            window.sort_by_key(|sample| lengths[*sample as usize]);
        }
        let whole = samples.chunks_exact(batch);
        let rest = whole.remainder();
        let key = self.key(Tag::Bucket, epoch);
        let mut batches: Vec<(u64, u32, &[u32])> = (0..)
            .zip(whole)
            .map(|(at, samples): (u32, _)| {
                let key = first_u64(key.clone().chain(&at.to_le_bytes()));
                (key, at, samples)
            })
            .collect();
        batches.sort_unstable_by_key(|(key, at, _)| (*key, *at));
        let batches = batches.into_iter().map(|(_, _, samples)| samples);
        batches.chain([rest]).flatten().copied().collect()
    }

    fn key(&self, tag: Tag, epoch: u64) -> TaggedHasher {
        tag.hasher()
            .chain(&self.dataset.0)
            .chain(&self.seed.to_le_bytes())
            .chain(&epoch.to_le_bytes())
    }
}

/// The sums of the weights up to and including each sample.
fn sums(weights: &OrderTable) -> Result<Arc<[u64]>, TableError> {
    let mut sum = 0_u64;
    let mut sums = Vec::with_capacity(weights.numbers().len());
    for weight in weights.numbers() {
        sum = sum.checked_add(*weight).ok_or(TableError::TooMuchWeight)?;
        sums.push(sum);
    }
    match sum {
        0 => Err(TableError::NoWeight),
        _ => Ok(sums.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: DatasetRoot = DatasetRoot([5; 32]);

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn rule(items: u32, batch: u32, sampler: Sampler) -> SampledRule {
        SampledRule {
            items: number(items),
            batch: number(batch),
            accumulation: number(1),
            sampler,
        }
    }

    fn weighted(draws: u32, weights: &OrderTable) -> Result<SampledOrder, TableError> {
        let sampler = Sampler::Weighted {
            draws: number(draws),
            table: weights.digest(),
        };
        let items = weights.numbers().len() as u32;
        SampledOrder::new(ROOT, 1, rule(items, 4, sampler), Some(weights))
    }

    /// The samples of an epoch, each with the number of its draws.
    fn counts(order: &SampledOrder, epoch: u64) -> Vec<usize> {
        let mut counts = alloc::vec![0; order.rule.items.get() as usize];
        for sample in order.epoch(epoch) {
            counts[sample as usize] += 1;
        }
        counts
    }

    #[test]
    fn samples_are_drawn_as_often_as_they_weigh() {
        let order = weighted(70_000, &OrderTable::new([0, 1, 0, 2, 4, 0])).unwrap();
        for epoch in 0..3 {
            let counts = counts(&order, epoch);
            assert_eq!([counts[0], counts[2], counts[5]], [0; 3]);
            for (sample, expected) in [(1, 10_000_f64), (3, 20_000.), (4, 40_000.)] {
                // Six standard deviations.
                let off = (counts[sample] as f64 - expected).abs();
                assert!(off < 6. * expected.sqrt(), "{counts:?}");
            }
        }
        assert_ne!(order.epoch(0), order.epoch(1));
    }

    #[test]
    fn the_largest_weights_are_drawn_and_larger_ones_refused() {
        let order = weighted(1000, &OrderTable::new([u64::MAX - 1, 0, 1])).unwrap();
        assert_eq!(counts(&order, 0), [1000, 0, 0]);
        let error = |weights: &[u64]| weighted(1, &OrderTable::new(weights)).unwrap_err();
        assert_eq!(error(&[u64::MAX, 1]), TableError::TooMuchWeight);
        assert_eq!(error(&[0, 0]), TableError::NoWeight);
    }

    #[test]
    fn uniform_draws_reach_every_sample() {
        let sampler = Sampler::Uniform { draws: number(400) };
        let order = SampledOrder::new(ROOT, 1, rule(40, 4, sampler), None).unwrap();
        let counts = counts(&order, 0);
        assert_eq!(counts.iter().sum::<usize>(), 400);
        assert!(
            counts.iter().all(|count| (1..=30).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn buckets_show_every_sample_once_beside_others_of_its_length() {
        let lengths: Vec<u64> = (0..103).map(|sample| sample * 37 % 101).collect();
        let table = OrderTable::new(lengths.clone());
        let sampler = |window| Sampler::Bucketed {
            window: number(window),
            table: table.digest(),
        };
        let order = |window| {
            let rule = rule(103, 10, sampler(window));
            SampledOrder::new(ROOT, 1, rule, Some(&table)).unwrap()
        };
        // The lengths within a batch differ less than those of all.
        let spread = |window: u32| {
            let epoch = order(window).epoch(3);
            let of_batch = |batch: &[u32]| {
                let of = |sample: &u32| lengths[*sample as usize];
                batch.iter().map(of).max().unwrap() - batch.iter().map(of).min().unwrap()
            };
            epoch.chunks(10).map(of_batch).sum::<u64>()
        };
        assert!(spread(100) < 120 && spread(100) < spread(3) && spread(3) < spread(1));
        for window in [1, 3, 100, u32::MAX] {
            let mut epoch = order(window).epoch(3);
            assert_ne!(epoch, order(window).epoch(4));
            epoch.sort_unstable();
            assert_eq!(epoch, (0..103).collect::<Vec<u32>>());
        }
        // Batches do not come in the order of their lengths.
        let first = |batch: &[u32]| lengths[batch[0] as usize];
        let firsts: Vec<u64> = order(100).epoch(3).chunks_exact(10).map(first).collect();
        assert!(!firsts.is_sorted(), "{firsts:?}");
    }

    #[test]
    fn another_table_is_refused() {
        let table = OrderTable::new([1, 2, 3]);
        let with = |declared: &OrderTable, given: Option<&OrderTable>| {
            let sampler = Sampler::Weighted {
                draws: number(1),
                table: declared.digest(),
            };
            SampledOrder::new(ROOT, 1, rule(3, 1, sampler), given).unwrap_err()
        };
        let (found, other) = (table.digest(), OrderTable::new([1, 2, 4]));
        assert_eq!(with(&table, None), TableError::Missing);
        let expected = other.digest();
        let digest = TableError::Digest { found, expected };
        assert_eq!(with(&other, Some(&table)), digest);
        let short = OrderTable::new([1, 2]);
        let length = TableError::Length {
            found: 2,
            expected: 3,
        };
        assert_eq!(with(&short, Some(&short)), length);
    }
}
