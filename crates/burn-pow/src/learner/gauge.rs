//! Numbers such as chain height and hash rate in Burn's dashboard.

use burn::tensor::TensorReadError;
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry,
    SerializedEntry,
};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A metric that shows a number. Another part of the program updates the number.
///
/// The metric does not use the model's output, so every training can have it. Its value
/// for an epoch is the newest value and not a mean, as it should be for a chain's
/// height.
///
/// ```
/// use burn::train::metric::Numeric;
/// use burn_pow::gauge::Gauge;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// let height = Arc::new(AtomicU64::new(0));
/// let gauge = Gauge::new("Chain height", "blocks", height.clone());
/// height.store(42, Ordering::Relaxed);
/// assert_eq!(gauge.final_value().current(), 42.0);
/// ```
#[derive(Clone, Debug)]
pub struct Gauge {
    name: MetricName,
    unit: &'static str,
    scale: u64,
    value: Arc<AtomicU64>,
}

impl Gauge {
    /// Shows `value` under `name`, followed by `unit`. The name must be unique among
    /// the training's metrics.
    pub fn new(name: impl Into<String>, unit: &'static str, value: Arc<AtomicU64>) -> Self {
        Gauge {
            name: Arc::new(name.into()),
            unit,
            scale: 1,
            value,
        }
    }

    /// Sets how many counts of `value` make one unit. The value is then shown with two
    /// decimals.
    ///
    /// ```
    /// # use burn::train::metric::Numeric;
    /// # use burn_pow::gauge::Gauge;
    /// # use std::num::NonZeroU64;
    /// let megahashes = NonZeroU64::new(1_000_000).ok_or("zero")?;
    /// let rate = Gauge::new("Hash rate", "MH/s", std::sync::Arc::new(29_840_000.into()));
    /// assert_eq!(rate.scale(megahashes).final_value().current(), 29.84);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn scale(mut self, scale: NonZeroU64) -> Self {
        self.scale = scale.get();
        self
    }

    fn load(&self) -> f64 {
        self.value.load(Ordering::Relaxed) as f64 / self.scale as f64
    }
}

impl Metric for Gauge {
    type Input = ();

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn attributes(&self) -> MetricAttributes {
        let attributes = NumericAttributes {
            unit: Some(self.unit.into()),
            higher_is_better: true,
        };
        attributes.into()
    }

    fn update(
        &mut self,
        _input: &(),
        _metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.entry(NumericEntry::Value))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.entry(NumericEntry::Final))
    }

    /// Does nothing, because another part of the program owns the number.
    fn clear(&mut self) {}
}

impl Gauge {
    fn entry(&self, kind: fn(f64) -> NumericEntry) -> SerializedEntry {
        let value = self.load();
        let decimals = if self.scale == 1 { 0 } else { 2 };
        SerializedEntry::new(
            format!("{value:.decimals$} {}", self.unit),
            kind(value).serialize(),
        )
    }
}

impl Numeric for Gauge {
    fn value(&self) -> Option<NumericEntry> {
        Some(NumericEntry::Value(self.load()))
    }

    fn running_value(&self) -> Option<NumericEntry> {
        self.value()
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.load())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_gauge_is_shown_in_its_unit() {
        let shown = |gauge: Gauge| gauge.entry(NumericEntry::Value).formatted;
        let value = || Arc::new(AtomicU64::new(29_841_999));
        let megahashes = const { NonZeroU64::new(1_000_000).unwrap() };
        let rate = Gauge::new("Hash rate", "MH/s", value()).scale(megahashes);
        assert_eq!(shown(rate), "29.84 MH/s");
        assert_eq!(
            shown(Gauge::new("Height", "blocks", value())),
            "29841999 blocks"
        );
    }
}
