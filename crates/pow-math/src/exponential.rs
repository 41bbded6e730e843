//! `exp` and `tanh` for `f32`, which trainings call more than all other functions together.
//!
//! The method is Tang's ("Table-driven implementation of the exponential function in IEEE
//! floating-point arithmetic", 1989): `exp(x)` is `2^(n/32) * 2^(r/32)` with a whole `n`
//! and `|r| <= 1/2`. A table has `2^(j/32)`, a polynomial gives the rest.
//!
//! They are of our own because a call must cost no more than one to a C library. They
//! add, multiply and divide in `f64` and do nothing else, so they give the same bits on
//! each machine, with FMA and without, and need not ask which CPU this is.

use std::f64::consts::LN_2;

/// `exp(x)`, at most 0.502 units in the last place away.
#[inline]
pub(crate) fn exp(x: f32) -> f32 {
    if magnitude(x) < const { magnitude(88.0) } {
        exp_within_range(x)
    } else {
        exp_beyond(x)
    }
}

/// Near and beyond the smallest and the largest result.
#[cold]
fn exp_beyond(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    // At these bounds results are 0 and infinity already.
    exp_within_range(x.clamp(-104.0, 89.0))
}

#[inline(always)]
fn exp_within_range(x: f32) -> f32 {
    let (n, r) = split(f64::from(x));
    let power = power(n);
    let [first, second, third] = MINIMAX;
    (power + power * r * (first + r * (second + r * third))) as f32
}

/// `tanh(x)`, at most 0.502 units in the last place away.
#[inline]
pub(crate) fn tanh(x: f32) -> f32 {
    if magnitude(x) < const { magnitude(10.0) } {
        tanh_within_range(x)
    } else {
        tanh_beyond(x)
    }
}

#[cold]
fn tanh_beyond(x: f32) -> f32 {
    if x.is_nan() { x } else { 1.0_f32.copysign(x) }
}

/// `(exp(2x) - 1) / (exp(2x) + 1)`, with a numerator that is precise near zero.
#[inline(always)]
fn tanh_within_range(x: f32) -> f32 {
    let (n, r) = split(2.0 * f64::from(x.abs()));
    let power = power(n);
    let [first, second, third, fourth] = TAYLOR;
    let numerator = (power - 1.0) + power * r * (first + r * (second + r * (third + r * fourth)));
    ((numerator / (numerator + 2.0)) as f32).copysign(x)
}

/// Bits that grow with the absolute value. Those of a number that is not one are the largest.
#[inline(always)]
const fn magnitude(x: f32) -> u32 {
    x.to_bits() & 0x7fff_ffff
}

/// `n` and `r`, such that `exp(x)` is `2^((n + r)/32)`. Only the lower bits of `n` have a meaning.
#[inline(always)]
fn split(x: f64) -> (u64, f64) {
    let x = x * (STEPS as f64 / LN_2);
    let shifted = x + ROUND;
    (shifted.to_bits(), x - (shifted - ROUND))
}

/// `2^(n/32)`.
#[inline(always)]
fn power(n: u64) -> f64 {
    f64::from_bits(TABLE[(n % STEPS) as usize].wrapping_add(n << EXPONENT))
}

const STEPS: u64 = 32;

/// Adding this to a small number rounds it, and leaves it in the lower bits.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52

/// Of these bits of a number and up, `n` is the exponent; its last five bits are a fraction.
const EXPONENT: u32 = 52 - STEPS.ilog2();

/// `2^(r/32)` is nearly 1 plus these, times `r`, `r^2` and `r^3`. The largest relative error
/// for `|r| <= 1/2` is as small as it can be (Remez, 1934): `2^-33.2`.
const MINIMAX: [f64; 3] = [
    0.02166084939661335,
    0.00023459809789525763,
    1.6938359242294596e-6,
];

/// The same to `r^4`, by Taylor's series. It is precise near zero, too.
const TAYLOR: [f64; 4] = {
    let step = LN_2 / STEPS as f64;
    let square = step * step;
    [
        step,
        square / 2.0,
        square * step / 6.0,
        square * square / 24.0,
    ]
};

/// The bits of `2^(j/32)`, less what `j` adds to the exponent.
static TABLE: [u64; STEPS as usize] = {
    let mut table = [0; STEPS as usize];
    let mut j = 0;
    while j < table.len() {
        table[j] = POWERS[j].to_bits() - ((j as u64) << EXPONENT);
        j += 1;
    }
    table
};

/// `2^(j/32)`.
const POWERS: [f64; STEPS as usize] = [
    1.0,
    1.0218971486541166,
    1.0442737824274138,
    1.0671404006768237,
    1.0905077326652577,
    1.1143867425958924,
    1.1387886347566916,
    1.1637248587775775,
    1.189207115002721,
    1.215247359980469,
    1.241857812073484,
    1.2690509571917332,
    1.2968395546510096,
    1.3252366431597413,
    1.3542555469368927,
    1.383909881963832,
    std::f64::consts::SQRT_2,
    1.4451808069770467,
    1.4768261459394993,
    1.5091644275934228,
    1.5422108254079407,
    1.5759808451078865,
    1.6104903319492543,
    1.645755478153965,
    1.681792830507429,
    1.718619298122478,
    1.7562521603732995,
    1.7947090750031072,
    1.8340080864093424,
    1.8741676341103,
    1.9152065613971474,
    1.9571441241754002,
];

#[cfg(test)]
mod tests {
    use super::*;

    type Function = (&'static str, fn(f32) -> f32, fn(f64) -> f64);

    const FUNCTIONS: [Function; 2] = [("exp", exp, pxfm::f_exp), ("tanh", tanh, pxfm::f_tanh)];

    /// All exponents and signs.
    fn numbers() -> impl Iterator<Item = f32> {
        (0..u32::MAX).step_by(997).map(f32::from_bits)
    }

    /// The distance to the precise result, in units in the last place of the found one.
    fn error(found: f32, expected: f64) -> f64 {
        let beyond = found.is_infinite() && expected > f64::from(f32::MAX);
        if beyond || found.is_nan() && expected.is_nan() {
            return 0.0;
        }
        let unit = f64::from(found.abs().next_up()) - f64::from(found.abs());
        (f64::from(found) - expected).abs() / unit
    }

    #[test]
    fn errors_are_at_most_0_502_units() {
        for (name, single, double) in FUNCTIONS {
            let errors = numbers().map(|x| error(single(x), double(x.into())));
            let largest = errors.fold(0.0, f64::max);
            assert!((0.5..0.502).contains(&largest), "{name} has {largest}");
        }
    }

    #[test]
    fn bounds_have_their_exact_results() {
        for (x, expected) in [(0.0, 1.0), (88.8, f32::INFINITY), (-104.0, 0.0)] {
            assert_eq!(exp(x), expected);
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        for x in [0.0_f32, -0.0, 1e-45, -1e-45, 1e-9] {
            assert_eq!(tanh(x).to_bits(), x.to_bits());
        }
        assert_eq!(tanh(-11.0), -1.0);
        assert_eq!(tanh(f32::INFINITY), 1.0);
        assert!(exp(f32::NAN).is_nan() && tanh(-f32::NAN).is_nan());
    }

    /// Whoever changes a bit of a result makes recorded runs unrepeatable. On a machine
    /// where this fails they cannot be replayed.
    #[test]
    fn results_never_change() {
        let digests = FUNCTIONS.map(|(_, function, _)| {
            let results = numbers().filter(|x| !x.is_nan()).map(function);
            results.fold(0_u64, |digest, result| {
                let next = digest.rotate_left(5) ^ u64::from(result.to_bits());
                next.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            })
        });
        assert_eq!(
            digests,
            [17_107_588_898_437_686_322, 17_041_464_154_082_061_982]
        );
    }

    #[test]
    fn the_table_has_powers_of_two() {
        for (j, found) in (0..).zip(POWERS) {
            assert_eq!(found, pxfm::f_exp2(f64::from(j) / 32.0), "2^({j}/32)");
        }
    }
}
