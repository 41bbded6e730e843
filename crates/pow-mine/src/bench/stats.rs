//! Median, minimum and maximum.

/// Several measurements of the same value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The middle measurement. For an even number of measurements: the mean of
    /// the two in the middle.
    pub median: f64,
    /// The smallest measurement.
    pub min: f64,
    /// The largest measurement.
    pub max: f64,
}

impl Spread {
    /// The spread of these measurements. All zeros if there are none.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let (Some(min), Some(max)) = (values.first(), values.last()) else {
            return Spread::default();
        };
        let upper = values[values.len() / 2];
        let lower = values[(values.len() - 1) / 2];
        Spread {
            median: f64::midpoint(lower, upper),
            min: *min,
            max: *max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let spread = |values: &[f64]| {
            let Spread { median, min, max } = Spread::of(values.to_vec());
            (min, median, max)
        };
        assert_eq!(spread(&[]), (0.0, 0.0, 0.0));
        assert_eq!(spread(&[3.0]), (3.0, 3.0, 3.0));
        assert_eq!(spread(&[9.0, 1.0, 2.0]), (1.0, 2.0, 9.0));
        assert_eq!(spread(&[4.0, 9.0, 1.0, 2.0]), (1.0, 3.0, 9.0));
    }
}
