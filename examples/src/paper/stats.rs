//! Means, medians and their confidence intervals.

use statrs::distribution::{ContinuousCDF, StudentsT};
use std::fmt;

/// The confidence of every interval.
const CONFIDENCE: f64 = 0.95;

/// The value that a standard normal variable exceeds with a chance of 2.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// An estimate with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate itself.
    pub value: f64,
    /// Lower end of the interval, inclusive.
    pub low: f64,
    /// Upper end of the interval, inclusive.
    pub high: f64,
    /// The number of samples behind it.
    pub samples: usize,
}

impl Estimate {
    /// The mean of independent samples, with Student's interval. `None` for fewer
    /// than two samples. The interval assumes that the mean of this many samples is
    /// about normally distributed.
    ///
    /// ```
    /// use pow_examples::paper::stats::Estimate;
    /// let estimate = Estimate::of_mean(&[1.0, 2.0, 3.0]).ok_or("too few")?;
    /// assert_eq!(estimate.value, 2.0);
    /// // 2 ± 4.3027 · 1 / √3
    /// assert!((estimate.high - 4.4841).abs() < 1e-4);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn of_mean(samples: &[f64]) -> Option<Self> {
        let value = mean(samples)?;
        let half = student(samples.len().checked_sub(1)?)? * deviation(samples)?
            / (samples.len() as f64).sqrt();
        Some(Estimate {
            value,
            low: value - half,
            high: value + half,
            samples: samples.len(),
        })
    }

    /// The geometric mean of the ratios of pairs of positive numbers, with Student's
    /// interval of the logarithms. `None` for fewer than two pairs.
    ///
    /// ```
    /// use pow_examples::paper::stats::Estimate;
    /// let ratio = Estimate::of_ratio(&[(2.0, 1.0), (8.0, 1.0)]).ok_or("too few")?;
    /// assert!((ratio.value - 4.0).abs() < 1e-12);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn of_ratio(pairs: &[(f64, f64)]) -> Option<Self> {
        let logarithms: Vec<f64> = pairs.iter().map(|(a, b)| (a / b).ln()).collect();
        let estimate = Estimate::of_mean(&logarithms)?;
        Some(Estimate {
            value: estimate.value.exp(),
            low: estimate.low.exp(),
            high: estimate.high.exp(),
            samples: estimate.samples,
        })
    }

    /// The share of the samples that are `such`, with Wilson's interval. `None` for
    /// no samples. The interval stays within 0 to 1, and has a width even if all or
    /// none of the samples are `such`.
    ///
    /// ```
    /// use pow_examples::paper::stats::Estimate;
    /// let share = Estimate::of_share(100, 100).ok_or("too few")?;
    /// assert_eq!((share.value, share.high), (1.0, 1.0));
    /// assert!((share.low - 0.9630).abs() < 1e-4);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn of_share(such: usize, samples: usize) -> Option<Self> {
        if samples == 0 {
            return None;
        }
        let (count, share) = (samples as f64, such as f64 / samples as f64);
        let spread = Z * Z / count;
        let middle = (share + spread / 2.0) / (1.0 + spread);
        let half = (share * (1.0 - share) * spread + spread * spread / 4.0).sqrt() / (1.0 + spread);
        Some(Estimate {
            value: share,
            low: if such == 0 { 0.0 } else { middle - half },
            high: if such == samples { 1.0 } else { middle + half },
            samples,
        })
    }

    /// Whether `value` is in the interval.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The estimate times `scale`, for another unit.
    pub fn times(self, scale: f64) -> Self {
        Estimate {
            value: self.value * scale,
            low: self.low * scale,
            high: self.high * scale,
            samples: self.samples,
        }
    }
}

/// Writes `value [low, high]`. The format's precision sets the decimals; the default
/// is 2.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2);
        let Estimate {
            value, low, high, ..
        } = self;
        if f.sign_plus() {
            write!(
                f,
                "{value:+.decimals$} [{low:+.decimals$}, {high:+.decimals$}]"
            )
        } else {
            write!(
                f,
                "{value:.decimals$} [{low:.decimals$}, {high:.decimals$}]"
            )
        }
    }
}

/// The arithmetic mean. `None` for no samples.
pub fn mean(samples: &[f64]) -> Option<f64> {
    (!samples.is_empty()).then(|| samples.iter().sum::<f64>() / samples.len() as f64)
}

/// The sample standard deviation, with n − 1 in the denominator. `None` for fewer
/// than two samples.
pub fn deviation(samples: &[f64]) -> Option<f64> {
    let mean = mean(samples)?;
    let squares: f64 = samples.iter().map(|x| (x - mean) * (x - mean)).sum();
    (samples.len() > 1).then(|| (squares / (samples.len() - 1) as f64).sqrt())
}

/// The value below which this share of the samples is, interpolated between
/// neighbours. The share is 0 to 1, inclusive. `None` for no samples.
///
/// ```
/// use pow_examples::paper::stats::quantile;
/// assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 0.5), Some(2.5));
/// assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 1.0), Some(4.0));
/// ```
pub fn quantile(samples: &[f64], share: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = share.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (place.floor(), place.ceil());
    // Both are valid indices.
    let (low, high) = (sorted[below as usize], sorted[above as usize]);
    Some(low + (high - low) * (place - below))
}

/// The middle value. `None` for no samples.
pub fn median(samples: &[f64]) -> Option<f64> {
    quantile(samples, 0.5)
}

/// The slope of the least-squares line through points, with Student's interval.
/// `None` for fewer than three points, or if all have the same x.
///
/// ```
/// use pow_examples::paper::stats::slope;
/// let found = slope(&[(0.0, 0.0), (1.0, 2.0), (2.0, 1.0)]).ok_or("too few")?;
/// assert_eq!(found.value, 0.5);
/// // 0.5 ± 12.7062 · √(1.5 / 2)
/// assert!((found.high - 11.5039).abs() < 1e-3);
/// # Ok::<(), &str>(())
/// ```
pub fn slope(points: &[(f64, f64)]) -> Option<Estimate> {
    let freedom = points.len().checked_sub(2).filter(|freedom| *freedom > 0)?;
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (x, y) = (mean(&xs)?, mean(&ys)?);
    let spread: f64 = xs.iter().map(|at| (at - x) * (at - x)).sum();
    let together: f64 = points.iter().map(|(a, b)| (a - x) * (b - y)).sum();
    let value = Some(together / spread).filter(|value| value.is_finite())?;
    let residuals = points.iter().map(|(a, b)| b - y - value * (a - x));
    let squares: f64 = residuals.map(|residual| residual * residual).sum();
    let half = student(freedom)? * (squares / freedom as f64 / spread).sqrt();
    Some(Estimate {
        value,
        low: value - half,
        high: value + half,
        samples: points.len(),
    })
}

/// Student's two-sided factor for this many degrees of freedom.
fn student(freedom: usize) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, freedom as f64).ok()?;
    Some(distribution.inverse_cdf(0.5 + CONFIDENCE / 2.0))
}
