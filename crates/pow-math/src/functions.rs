//! The C functions that std calls, as functions of this program.

use std::hint::black_box;
use std::ops::Range;

/// A C function, and whether std's method gives other results than this crate's.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) differs: fn() -> bool,
}

/// Inputs for a test of one function. Two libraries round some of so many differently.
const INPUTS: u32 = 4096;

/// Defines each C function, and compares it with std's method, which calls it.
macro_rules! functions {
    ($table:ident: $float:ident: $($name:ident = $ours:path: $method:ident($($argument:ident in $range:expr),+);)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name($($argument: $float),+) -> $float {
                $ours($($argument),+)
            }
        )*

        pub(crate) const $table: &[Function] = &[$(
            Function {
                name: stringify!($name),
                differs: || {
                    // Also links the function: nothing else in this crate refers to it.
                    let ours: extern "C" fn($(functions!(@type $argument $float)),+) -> $float =
                        black_box($name);
                    let mut random = Random(0);
                    (0..INPUTS).any(|_| {
                        let ($($argument,)+) = ($(black_box(random.within($range) as $float),)+);
                        let theirs = <$float>::$method($($argument),+);
                        theirs.to_bits() != ours($($argument),+).to_bits()
                    })
                },
            },
        )*];
    };
    (@type $argument:ident $float:ident) => { $float };
}

functions! {
    SINGLE: f32:
    acosf = pxfm::f_acosf: acos(x in -1.0..1.0);
    asinf = pxfm::f_asinf: asin(x in -1.0..1.0);
    atan2f = pxfm::f_atan2f: atan2(y in -9.0..9.0, x in -9.0..9.0);
    atanf = pxfm::f_atanf: atan(x in -9.0..9.0);
    cbrtf = pxfm::f_cbrtf: cbrt(x in -99.0..99.0);
    cosf = pxfm::f_cosf: cos(x in -99.0..99.0);
    coshf = pxfm::f_coshf: cosh(x in -9.0..9.0);
    exp2f = pxfm::f_exp2f: exp2(x in -30.0..30.0);
    expf = crate::exponential::exp: exp(x in -30.0..30.0);
    expm1f = pxfm::f_expm1f: exp_m1(x in -2.0..2.0);
    hypotf = pxfm::f_hypotf: hypot(x in -9.0..9.0, y in -9.0..9.0);
    log10f = pxfm::f_log10f: log10(x in 0.0..99.0);
    log1pf = pxfm::f_log1pf: ln_1p(x in -0.9..2.0);
    log2f = pxfm::f_log2f: log2(x in 0.0..99.0);
    logf = pxfm::f_logf: ln(x in 0.0..99.0);
    powf = pxfm::f_powf: powf(x in 0.0..20.0, y in -5.0..5.0);
    sinf = pxfm::f_sinf: sin(x in -99.0..99.0);
    sinhf = pxfm::f_sinhf: sinh(x in -9.0..9.0);
    tanf = pxfm::f_tanf: tan(x in -9.0..9.0);
    tanhf = crate::exponential::tanh: tanh(x in -4.0..4.0);
}

functions! {
    DOUBLE: f64:
    acos = libm::acos: acos(x in -1.0..1.0);
    asin = libm::asin: asin(x in -1.0..1.0);
    atan2 = libm::atan2: atan2(y in -9.0..9.0, x in -9.0..9.0);
    atan = libm::atan: atan(x in -9.0..9.0);
    cbrt = libm::cbrt: cbrt(x in -99.0..99.0);
    cos = libm::cos: cos(x in -99.0..99.0);
    cosh = libm::cosh: cosh(x in -9.0..9.0);
    exp2 = libm::exp2: exp2(x in -30.0..30.0);
    exp = libm::exp: exp(x in -30.0..30.0);
    expm1 = libm::expm1: exp_m1(x in -2.0..2.0);
    hypot = libm::hypot: hypot(x in -9.0..9.0, y in -9.0..9.0);
    log10 = libm::log10: log10(x in 0.0..99.0);
    log1p = libm::log1p: ln_1p(x in -0.9..2.0);
    log2 = libm::log2: log2(x in 0.0..99.0);
    log = libm::log: ln(x in 0.0..99.0);
    pow = libm::pow: powf(x in 0.0..20.0, y in -5.0..5.0);
    sin = libm::sin: sin(x in -99.0..99.0);
    sinh = libm::sinh: sinh(x in -9.0..9.0);
    tan = libm::tan: tan(x in -9.0..9.0);
    tanh = libm::tanh: tanh(x in -4.0..4.0);
}

/// Compilers join `sin` and `cos` of one number to one call. Apple's takes another form.
macro_rules! sine_and_cosine {
    ($table:ident: $float:ident: $name:ident, $apple:ident = $ours:path) => {
        #[cfg(not(target_vendor = "apple"))]
        #[unsafe(no_mangle)]
        extern "C" fn $name(x: $float, sine: &mut $float, cosine: &mut $float) {
            (*sine, *cosine) = $ours(x);
        }

        #[cfg(target_vendor = "apple")]
        #[unsafe(no_mangle)]
        extern "C" fn $apple(x: $float) -> Both<$float> {
            let (sine, cosine) = $ours(x);
            Both { sine, cosine }
        }

        pub(crate) const $table: Function = Function {
            name: stringify!($name),
            differs: || {
                #[cfg(not(target_vendor = "apple"))]
                black_box($name as extern "C" fn($float, &mut $float, &mut $float));
                #[cfg(target_vendor = "apple")]
                black_box($apple as extern "C" fn($float) -> Both<$float>);
                let mut random = Random(0);
                (0..INPUTS).any(|_| {
                    let x = black_box(random.within(-99.0..99.0) as $float);
                    let (sine, cosine) = x.sin_cos();
                    let ours = $ours(x);
                    (sine.to_bits(), cosine.to_bits()) != (ours.0.to_bits(), ours.1.to_bits())
                })
            },
        };
    };
}

#[cfg(target_vendor = "apple")]
#[repr(C)]
struct Both<T> {
    sine: T,
    cosine: T,
}

sine_and_cosine!(SINGLE_BOTH: f32: sincosf, __sincosf_stret = pxfm::f_sincosf);
sine_and_cosine!(DOUBLE_BOTH: f64: sincos, __sincos_stret = libm::sincos);

/// SplitMix64 (Steele, Lea and Flood, 2014), for inputs that are the same everywhere.
struct Random(u64);

impl Random {
    fn within(&mut self, range: Range<f64>) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let share = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        range.start + share * (range.end - range.start)
    }
}
