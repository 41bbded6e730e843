//! Plots as SVG: lines or dots with their confidence intervals. The same plot
//! always gives the same bytes.

use super::stats::Estimate;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

/// A plot.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The title.
    pub title: String,
    /// The axis from left to right.
    pub x: Axis,
    /// The axis from bottom to top.
    pub y: Axis,
    /// What is drawn. Later series cover earlier ones.
    pub series: Vec<Series>,
    /// The place of the legend, which covers what is behind it.
    pub legend: Legend,
}

/// The place of a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legend {
    /// At the top right.
    UpperRight,
    /// At the top left.
    UpperLeft,
    /// At the bottom right.
    LowerRight,
    /// In the middle.
    Middle,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows, with the unit.
    pub label: String,
    /// How values are spread over it.
    pub scale: Scale,
}

/// How values are spread over an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal distances are equal differences.
    Linear,
    /// Equal distances are equal ratios. Values must be positive.
    Logarithmic,
    /// The values 0, 1 and so on have these names.
    Names(Vec<String>),
}

/// Points that are drawn together.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name in the legend.
    pub label: String,
    /// How they are drawn.
    pub shape: Shape,
    /// The points, from left to right.
    pub points: Vec<Point>,
}

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A line, with the intervals as a band.
    Line,
    /// Dots with vertical error bars.
    Dots,
    /// Dots with horizontal error bars.
    Across,
}

/// A point and the interval around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The value on the x axis.
    pub x: f64,
    /// The value on the y axis.
    pub y: f64,
    /// The interval, low and high: of `x` for [`Shape::Across`], of `y` otherwise.
    pub interval: Option<(f64, f64)>,
}

impl Point {
    /// An estimate at `x`.
    pub fn at(x: f64, value: Estimate) -> Self {
        Point {
            x,
            y: value.value,
            interval: Some((value.low, value.high)),
        }
    }

    /// An estimate on the line `y`, for [`Shape::Across`].
    pub fn across(value: Estimate, y: f64) -> Self {
        Point {
            x: value.value,
            y,
            interval: Some((value.low, value.high)),
        }
    }
}

impl Axis {
    /// An axis with a label.
    pub fn new(label: impl Into<String>, scale: Scale) -> Self {
        Axis {
            label: label.into(),
            scale,
        }
    }
}

const SIZE: (u32, u32) = (900, 540);

/// Colours that people with any colour vision can tell apart, by Okabe and Ito. All
/// are dark enough for a white background.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

impl Plot {
    /// The plot as SVG. The background is white, so that a dark viewer shows it well.
    ///
    /// # Errors
    ///
    /// If there is nothing to draw, or drawing fails.
    pub fn svg(&self) -> anyhow::Result<String> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            root.fill(&WHITE)?;
            let (x, y) = (self.range(&self.x, true)?, self.range(&self.y, false)?);
            let is_log = |axis: &Axis| axis.scale == Scale::Logarithmic;
            match (is_log(&self.x), is_log(&self.y)) {
                (false, false) => self.draw(&root, x, y)?,
                (true, false) => self.draw(&root, x.log_scale(), y)?,
                (false, true) => self.draw(&root, x, y.log_scale())?,
                (true, true) => self.draw(&root, x.log_scale(), y.log_scale())?,
            }
            root.present()?;
        }
        Ok(svg)
    }

    /// The range from the smallest to the largest value on an axis, with a margin.
    fn range(&self, axis: &Axis, is_x: bool) -> anyhow::Result<std::ops::Range<f64>> {
        if let Scale::Names(names) = &axis.scale {
            return Ok(-0.5..names.len() as f64 - 0.5);
        }
        let mut values = Vec::new();
        for series in &self.series {
            for point in &series.points {
                values.push(if is_x { point.x } else { point.y });
                if let Some((low, high)) = point.interval
                    && (series.shape == Shape::Across) == is_x
                {
                    values.extend([low, high]);
                }
            }
        }
        let is_log = axis.scale == Scale::Logarithmic;
        values.retain(|value| value.is_finite() && (!is_log || *value > 0.0));
        let least = values.iter().copied().reduce(f64::min);
        let greatest = values.iter().copied().reduce(f64::max);
        let (Some(least), Some(greatest)) = (least, greatest) else {
            anyhow::bail!("{}: there is nothing to draw", self.title);
        };
        if is_log {
            return Ok(least / 1.3..greatest * 1.3);
        }
        let margin = match greatest - least {
            0.0 => 1.0,
            span => 0.05 * span,
        };
        Ok(least - margin..greatest + margin)
    }

    fn draw<X, Y>(
        &self,
        root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
        x: X,
        y: Y,
    ) -> anyhow::Result<()>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let wide = matches!(self.y.scale, Scale::Names(_));
        let mut chart = ChartBuilder::on(root)
            .caption(&self.title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(if wide { 330 } else { 70 })
            .build_cartesian_2d(x, y)?;
        let (format_x, format_y) = (self.x.formatter(), self.y.formatter());
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_labels(self.x.labels())
            .y_labels(self.y.labels())
            .x_label_formatter(&format_x)
            .y_label_formatter(&format_y)
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 15))
            .draw()?;
        for (at, series) in self.series.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let with_interval = series
                .points
                .iter()
                .filter_map(|point| Some((point, point.interval?)));
            match series.shape {
                Shape::Line => {
                    let above = with_interval
                        .clone()
                        .map(|(point, (_, high))| (point.x, high));
                    let below = with_interval.map(|(point, (low, _))| (point.x, low));
                    let mut outline: Vec<_> = above.collect();
                    let below: Vec<_> = below.collect();
                    outline.extend(below.into_iter().rev());
                    chart.draw_series([Polygon::new(outline, colour.mix(0.15))])?;
                    let line = series.points.iter().map(|point| (point.x, point.y));
                    chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
                }
                Shape::Dots => {
                    let bars = with_interval.map(|(point, (low, high))| {
                        ErrorBar::new_vertical(point.x, low, point.y, high, colour.filled(), 8)
                    });
                    chart.draw_series(bars)?;
                }
                Shape::Across => {
                    let bars = with_interval.map(|(point, (low, high))| {
                        ErrorBar::new_horizontal(point.y, low, point.x, high, colour.filled(), 8)
                    });
                    chart.draw_series(bars)?;
                }
            }
            // On a line of many points the dots would hide it.
            let is_dense = series.shape == Shape::Line && series.points.len() > 100;
            let dots = series
                .points
                .iter()
                .take(if is_dense { 0 } else { usize::MAX });
            let dots = dots.map(|point| Circle::new((point.x, point.y), 3, colour.filled()));
            chart
                .draw_series(dots)?
                .label(&series.label)
                .legend(move |at| Circle::new((at.0 + 8, at.1), 4, colour.filled()));
        }
        chart
            .configure_series_labels()
            .position(match self.legend {
                Legend::UpperRight => SeriesLabelPosition::UpperRight,
                Legend::UpperLeft => SeriesLabelPosition::UpperLeft,
                Legend::LowerRight => SeriesLabelPosition::LowerRight,
                Legend::Middle => SeriesLabelPosition::MiddleMiddle,
            })
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .label_font(("sans-serif", 13))
            .draw()?;
        Ok(())
    }
}

impl Axis {
    /// The largest number of labels.
    fn labels(&self) -> usize {
        match &self.scale {
            Scale::Names(names) => names.len(),
            _ => 10,
        }
    }

    /// Writes the label of a value.
    fn formatter(&self) -> impl Fn(&f64) -> String {
        let scale = self.scale.clone();
        move |value| match &scale {
            Scale::Names(names) => {
                let place = value.round();
                let is_place = (value - place).abs() < 1e-6 && place >= 0.0;
                let name = is_place.then(|| names.get(place as usize)).flatten();
                name.cloned().unwrap_or_default()
            }
            _ => short(*value),
        }
    }
}

/// A number in few characters.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{value:e}");
    }
    // A label is a round number, up to its last bits.
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}
