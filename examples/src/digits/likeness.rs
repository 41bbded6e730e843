//! How much drawn images look like images that were trained on.

use super::{Batch, Digit, DigitBatcher, PIXELS, SIDE};
use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Tensor};
use plotters::prelude::{
    DrawingAreaErrorKind, IntoDrawingArea, RGBColor, Rectangle, SVGBackend, WHITE,
};
use plotters::style::ShapeStyle;

/// Images as rows of 64 numbers from 0 to 1.
pub fn rows(images: Vec<Digit>, device: &Device) -> Tensor<2> {
    flat(DigitBatcher.batch(images, device))
}

/// The images of a batch, of shape `[images, 64]`.
pub fn flat(batch: Batch) -> Tensor<2> {
    let images = batch.images.dims()[0];
    batch.images.reshape([images, PIXELS])
}

/// The mean distance (Euclidean, of images of shape `[images, 64]`) from each of `drawn`
/// to the nearest of `known`. It is low if each drawn image looks like some known one. With
/// the two exchanged, it is low if each known image is drawn.
pub fn mean_distance(drawn: Tensor<2>, known: &Tensor<2>) -> f64 {
    let count = drawn.dims()[0];
    let nearest = (0..count).map(|index| {
        let one = drawn.clone().narrow(0, index, 1);
        let squares = (known.clone() - one).powi_scalar(2).sum_dim(1);
        squares.min().sqrt().into_scalar::<f64>()
    });
    nearest.sum::<f64>() / count as f64
}

const PIXEL: i32 = 5;
const GAP: i32 = 6;

/// Images of shape `[images, 64]` as an SVG, with `columns` images in a row.
///
/// # Errors
///
/// If the images cannot be read from their device.
pub fn svg(images: Tensor<2>, columns: usize) -> anyhow::Result<String> {
    let count = images.dims()[0];
    let pixels = images.into_data().try_to_vec::<f32>()?;
    let cell = SIDE as i32 * PIXEL + GAP;
    let size = |cells: usize| (cells as i32 * cell + GAP) as u32;
    let mut text = String::new();
    let size = (size(columns), size(count.div_ceil(columns)));
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    area.fill(&WHITE).map_err(owned)?;
    for (at, value) in pixels.iter().enumerate() {
        let (image, pixel) = (at / PIXELS, at % PIXELS);
        let place = |image: usize, pixel: usize| GAP + image as i32 * cell + pixel as i32 * PIXEL;
        let corner = (
            place(image % columns, pixel % SIDE),
            place(image / columns, pixel / SIDE),
        );
        let shade = (value.clamp(0.0, 1.0) * 255.0) as u8;
        let style = ShapeStyle::from(RGBColor(shade, shade, shade));
        let opposite = (corner.0 + PIXEL, corner.1 + PIXEL);
        area.draw(&Rectangle::new([corner, opposite], style.filled()))
            .map_err(owned)?;
    }
    area.present().map_err(owned)?;
    drop(area);
    Ok(text)
}

fn owned<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> anyhow::Error {
    anyhow::Error::msg(error.to_string())
}
