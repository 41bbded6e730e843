//! A quantity over steps or blocks, in so few points that a chain of any length fits.

use serde::Serialize;

/// The most points that are kept.
const MAX_POINTS: usize = 1024;

/// A quantity over steps or blocks. Neighbours are joined when there are too many, so memory
/// does not grow with the chain. The least and the greatest value of each stretch stay.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// How many steps or blocks a point stands for.
    width: u64,
    points: Vec<Point>,
}

/// The values of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Where the stretch begins: a step or a height.
    pub from: u64,
    /// Its last step or height.
    pub to: u64,
    /// The least value. Absent if none is a number.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
    /// How many values are infinite or no number.
    pub not_numbers: u64,
    /// The first block of the stretch.
    pub block: u32,
}

impl Default for Series {
    fn default() -> Self {
        Series {
            width: 1,
            points: Vec::new(),
        }
    }
}

impl Series {
    /// Takes in the value at `at`, from this block. Call it with ascending `at`.
    pub fn add(&mut self, at: u64, value: f64, block: u32) {
        let number = value.is_finite().then_some(value);
        self.points.push(Point {
            from: at,
            to: at,
            min: number,
            max: number,
            not_numbers: u64::from(number.is_none()),
            block,
        });
        self.join_last();
        while self.points.len() > MAX_POINTS {
            self.width = self.width.saturating_mul(2);
            let points = std::mem::take(&mut self.points);
            for point in points {
                self.points.push(point);
                self.join_last();
            }
        }
    }

    /// The points, in order.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Joins the last point with the one before, if both are of one stretch.
    fn join_last(&mut self) {
        let [.., before, last] = &mut self.points[..] else {
            return;
        };
        if before.from / self.width != last.from / self.width {
            return;
        }
        let either = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        before.to = last.to;
        before.min = either(before.min, last.min, f64::min);
        before.max = either(before.max, last.max, f64::max);
        before.not_numbers += last.not_numbers;
        self.points.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_keeps_its_extremes_and_few_points() {
        let mut series = Series::default();
        for at in 0..100_000u64 {
            let value = match at {
                777 => -5.0,
                99_998 => 1e9,
                50_000 => f64::NAN,
                _ => (at % 10) as f64,
            };
            series.add(at, value, (at / 10) as u32);
        }
        let points = series.points();
        assert!(
            (MAX_POINTS / 2..=MAX_POINTS).contains(&points.len()),
            "{}",
            points.len()
        );
        let least = points.iter().find(|point| point.min == Some(-5.0)).unwrap();
        assert!((least.from..=least.to).contains(&777));
        assert!(least.block <= 77);
        let greatest = points.iter().find(|point| point.max == Some(1e9)).unwrap();
        assert!((greatest.from..=greatest.to).contains(&99_998));
        assert_eq!(points.iter().map(|point| point.not_numbers).sum::<u64>(), 1);
        assert_eq!((points[0].from, points.last().unwrap().to), (0, 99_999));
        assert!(points.windows(2).all(|two| two[0].to + 1 == two[1].from));
    }

    #[test]
    fn a_short_series_is_kept_as_it_is() {
        let mut series = Series::default();
        for (at, value) in [(0, 3.0), (5, f64::INFINITY), (9, 1.0)] {
            series.add(at, value, 2);
        }
        let found: Vec<_> = series
            .points()
            .iter()
            .map(|point| (point.from, point.min))
            .collect();
        assert_eq!(found, [(0, Some(3.0)), (5, None), (9, Some(1.0))]);
    }

    #[test]
    fn steps_at_the_end_of_64_bits_are_joined_too() {
        let mut series = Series::default();
        for at in 0..3000u64 {
            series.add(at << 52, 1.0, 0);
        }
        assert!(series.points().len() <= MAX_POINTS);
    }
}
