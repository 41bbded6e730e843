//! Choosing the samples of an epoch in another way than each one once.

use super::LoaderError;
use pow_core::order::{OrderTable, SampledRule, Sampler};
use std::num::NonZeroU32;

/// The largest weight. 2^32 - 1 samples of this weight add up to less than 2^64.
const MAX_WEIGHT: f64 = 4_294_967_296.;

/// How the samples of an epoch are chosen. The order then follows from the dataset, the
/// seed and the table of weights or lengths, which the run keeps as `order.table`. So
/// anybody can compute it again, as they can without a sampler.
///
/// ```
/// use burn_pow::loader::Sampling;
///
/// // A rare class, as likely as the frequent one.
/// let labels = [0, 0, 0, 1];
/// let weights = labels.map(|label| [1. / 3., 1.][label]);
/// let sampling = Sampling::weighted(&weights)?.draws(1000.try_into()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sampling {
    choice: Choice,
    draws: Option<NonZeroU32>,
}

#[derive(Clone, Debug)]
enum Choice {
    Uniform,
    Weighted(OrderTable),
    Bucketed(NonZeroU32, OrderTable),
}

impl Sampling {
    /// Draws with replacement. All samples are equally likely.
    pub fn with_replacement() -> Self {
        Sampling::of(Choice::Uniform)
    }

    /// Draws with replacement. `weights[i]` says how likely sample *i* is, compared with
    /// the others. The weights are rounded to 1/2^32 of the largest, and one above zero
    /// never to zero.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Weight`] if one is negative or not finite.
    pub fn weighted(weights: &[f64]) -> Result<Self, LoaderError> {
        let wrong = |weight: &f64| !weight.is_finite() || *weight < 0.;
        if let Some(index) = weights.iter().position(wrong) {
            return Err(LoaderError::Weight {
                index,
                weight: weights[index],
            });
        }
        let largest = weights.iter().copied().fold(0., f64::max);
        let rounded = |weight: &f64| match *weight {
            0. => 0,
            // In this order: the largest divided by itself is 1, whatever it is.
            weight => ((weight / largest * MAX_WEIGHT).round() as u64).max(1),
        };
        let table: Vec<u64> = weights.iter().map(rounded).collect();
        Ok(Sampling::of(Choice::Weighted(OrderTable::new(table))))
    }

    /// Every sample once. A micro-batch has samples of about one length, so it needs little
    /// padding. `lengths[i]` is that of sample *i*.
    ///
    /// The samples of `window` micro-batches are sorted together. A larger window gives
    /// less padding, and a smaller one more chance in what stands together.
    pub fn bucketed(lengths: &[u64], window: NonZeroU32) -> Self {
        Sampling::of(Choice::Bucketed(window, OrderTable::new(lengths)))
    }

    /// Draws this many samples for an epoch, and not as many as the dataset has. Without
    /// effect where every sample is shown once.
    #[must_use]
    pub fn draws(mut self, draws: NonZeroU32) -> Self {
        self.draws = Some(draws);
        self
    }

    fn of(choice: Choice) -> Self {
        let draws = None;
        Sampling { choice, draws }
    }

    /// The rule for a dataset of `items` samples, and the table that it needs.
    pub(crate) fn rule(
        self,
        items: NonZeroU32,
        batch: NonZeroU32,
        accumulation: NonZeroU32,
    ) -> (SampledRule, Option<OrderTable>) {
        let draws = self.draws.unwrap_or(items);
        let (sampler, table) = match self.choice {
            Choice::Uniform => (Sampler::Uniform { draws }, None),
            Choice::Weighted(weights) => {
                let table = weights.digest();
                (Sampler::Weighted { draws, table }, Some(weights))
            }
            Choice::Bucketed(window, lengths) => {
                let table = lengths.digest();
                (Sampler::Bucketed { window, table }, Some(lengths))
            }
        };
        let rule = SampledRule {
            items,
            batch,
            accumulation,
            sampler,
        };
        (rule, table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(weights: &[f64]) -> Vec<u64> {
        match Sampling::weighted(weights).unwrap().choice {
            Choice::Weighted(table) => table.numbers().to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn weights_are_rounded_to_parts_of_the_largest() {
        assert_eq!(numbers(&[0.5, 1., 0.]), [1 << 31, 1 << 32, 0]);
        assert_eq!(numbers(&[f64::MAX, f64::MIN_POSITIVE]), [1 << 32, 1]);
        assert_eq!(numbers(&[5e-324, 0.]), [1 << 32, 0]);
        assert_eq!(numbers(&[0., -0.]), [0, 0]);
    }

    #[test]
    fn a_weight_that_is_none_is_named() {
        for weight in [-1., f64::NAN, f64::INFINITY] {
            let error = Sampling::weighted(&[1., weight]).unwrap_err();
            assert!(matches!(error, LoaderError::Weight { index: 1, .. }));
        }
    }
}
