//! Vectors of 32 bytes for CPUs whose own are shorter, such as ARM's.
//!
//! They are arrays. The compiler makes each operation of one from several of the CPU's.
//! Lanes, order of sums and rounding are those of AVX2, so sums have the same bits.

use std::marker::PhantomData;
use std::ops::{
    Add, AddAssign, BitAnd, BitOr, BitXor, Div, DivAssign, Mul, MulAssign, Not, Sub, SubAssign,
};

const BYTES: usize = 32;

/// The one kind of vectors.
#[derive(Clone, Copy, Debug)]
pub struct Wide;

/// A kind of vectors.
pub trait Simd: Copy + 'static {
    /// Lanes of 8 bits.
    fn lanes8() -> usize {
        BYTES
    }

    /// Lanes of 32 bits.
    fn lanes32() -> usize {
        BYTES / 4
    }
}

impl Simd for Wide {}

/// An operation that is written for any kind of vectors.
pub trait WithSimd {
    /// Its result.
    type Output;

    /// Executes it with vectors of this kind.
    fn with_simd<S: Simd>(self) -> Self::Output;
}

/// An element of a vector.
pub trait Scalar: Copy + Default + 'static {
    /// The elements of one vector.
    type Lanes: Copy + AsRef<[Self]>;

    /// One vector from a function of the lane.
    fn from_fn(lane: impl FnMut(usize) -> Self) -> Self::Lanes;

    /// How many lanes a vector has.
    fn lanes<S: Simd>() -> usize {
        BYTES / size_of::<Self>()
    }

    /// A vector with this element in each lane.
    #[inline(always)]
    fn splat<S: Simd>(self) -> Vector<S, Self> {
        Vector::new(Self::from_fn(|_| self))
    }
}

macro_rules! scalars {
    ($($element:ty)*) => {
        $(impl Scalar for $element {
            type Lanes = [Self; BYTES / size_of::<Self>()];

            #[inline(always)]
            fn from_fn(lane: impl FnMut(usize) -> Self) -> Self::Lanes {
                std::array::from_fn(lane)
            }
        })*
    };
}

scalars!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);

/// A vector.
pub struct Vector<S: Simd, T: Scalar>(T::Lanes, PhantomData<S>);

impl<S: Simd, T: Scalar> Clone for Vector<S, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Simd, T: Scalar> Copy for Vector<S, T> {}

impl<S: Simd, T: Scalar> Vector<S, T> {
    #[inline(always)]
    fn new(lanes: T::Lanes) -> Self {
        Vector(lanes, PhantomData)
    }

    #[inline(always)]
    fn lane(&self, at: usize) -> T {
        self.0.as_ref()[at]
    }

    #[inline(always)]
    fn map(self, mut of: impl FnMut(T) -> T) -> Self {
        Vector::new(T::from_fn(|at| of(self.lane(at))))
    }

    #[inline(always)]
    fn zip(self, other: Self, mut of: impl FnMut(T, T) -> T) -> Self {
        Vector::new(T::from_fn(|at| of(self.lane(at), other.lane(at))))
    }

    /// Lane by lane, from the first.
    #[inline(always)]
    fn fold(self, of: impl FnMut(T, T) -> T) -> T {
        self.0
            .as_ref()
            .iter()
            .copied()
            .reduce(of)
            .unwrap_or_default()
    }
}

/// Reads a vector.
///
/// # Safety
///
/// A whole vector at `from` is valid to be read.
#[inline(always)]
pub unsafe fn vload_unaligned<S: Simd, T: Scalar>(from: *const T) -> Vector<S, T> {
    // SAFETY: the caller's.
    Vector::new(unsafe { from.cast::<T::Lanes>().read_unaligned() })
}

/// Writes a vector.
///
/// # Safety
///
/// A whole vector at `to` is valid to be written.
#[inline(always)]
pub unsafe fn vstore_unaligned<S: Simd, T: Scalar>(to: *mut T, vector: Vector<S, T>) {
    // SAFETY: the caller's.
    unsafe { to.cast::<T::Lanes>().write_unaligned(vector.0) }
}

macro_rules! arithmetic {
    ($trait:ident::$vector:ident, $operator:ident::$method:ident, $assign:ident::$in_place:ident:
     $($of:ident for $($element:ty)*;)*) => {
        /// An element with this operation.
        pub trait $trait: Scalar + $operator<Output = Self> {
            /// Lane by lane.
            fn $vector<S: Simd>(left: Vector<S, Self>, right: Vector<S, Self>) -> Vector<S, Self>;
        }

        $($(impl $trait for $element {
            #[inline(always)]
            fn $vector<S: Simd>(left: Vector<S, Self>, right: Vector<S, Self>) -> Vector<S, Self> {
                left.zip(right, <$element>::$of)
            }
        })*)*

        impl<S: Simd, T: $trait> $operator for Vector<S, T> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, right: Self) -> Self {
                T::$vector(self, right)
            }
        }

        impl<S: Simd, T: $trait> $assign for Vector<S, T> {
            #[inline(always)]
            fn $in_place(&mut self, right: Self) {
                *self = T::$vector(*self, right);
            }
        }
    };
}

arithmetic!(VAdd::vadd, Add::add, AddAssign::add_assign:
    add for f32 f64;
    wrapping_add for u8 i8 u16 i16 u32 i32 u64 i64;
);
arithmetic!(VSub::vsub, Sub::sub, SubAssign::sub_assign:
    sub for f32 f64;
    wrapping_sub for u8 i8 u16 i16 u32 i32 u64 i64;
);
arithmetic!(VMul::vmul, Mul::mul, MulAssign::mul_assign:
    mul for f32 f64;
    wrapping_mul for u8 i8 u16 i16 u32 i32 u64 i64;
);
arithmetic!(VDiv::vdiv, Div::div, DivAssign::div_assign:
    div for f32 f64;
);

/// An element that is multiplied and added in one step, with one rounding.
pub trait VMulAdd: Scalar {
    /// `a * b + c`, lane by lane.
    fn vmul_add<S: Simd>(
        a: Vector<S, Self>,
        b: Vector<S, Self>,
        c: Vector<S, Self>,
    ) -> Vector<S, Self>;
}

impl<S: Simd, T: VMulAdd> Vector<S, T> {
    /// `self * b + c`, lane by lane.
    #[inline(always)]
    pub fn mul_add(self, b: Self, c: Self) -> Self {
        T::vmul_add(self, b, c)
    }
}

macro_rules! multiply_and_add {
    ($($element:ty: |$a:ident, $b:ident, $c:ident| $result:expr;)*) => {
        $(impl VMulAdd for $element {
            #[inline(always)]
            fn vmul_add<S: Simd>(
                a: Vector<S, Self>,
                b: Vector<S, Self>,
                c: Vector<S, Self>,
            ) -> Vector<S, Self> {
                Vector::new(Self::from_fn(|at| {
                    let ($a, $b, $c): (Self, Self, Self) = (a.lane(at), b.lane(at), c.lane(at));
                    $result
                }))
            }
        })*
    };
}

multiply_and_add! {
    f32: |a, b, c| a.mul_add(b, c);
    f64: |a, b, c| a.mul_add(b, c);
    i32: |a, b, c| a.wrapping_mul(b).wrapping_add(c);
}

macro_rules! bitwise {
    ($($trait:ident::$vector:ident, $operator:ident::$method:ident;)*) => {
        $(
            /// An element with this operation.
            pub trait $trait: Scalar + $operator<Output = Self> {
                /// Lane by lane.
                #[inline(always)]
                fn $vector<S: Simd>(left: Vector<S, Self>, right: Vector<S, Self>) -> Vector<S, Self> {
                    left.zip(right, $operator::$method)
                }
            }

            impl<T: Scalar + $operator<Output = T>> $trait for T {}

            impl<S: Simd, T: $trait> $operator for Vector<S, T> {
                type Output = Self;

                #[inline(always)]
                fn $method(self, right: Self) -> Self {
                    T::$vector(self, right)
                }
            }
        )*
    };
}

bitwise! {
    VBitAnd::vbitand, BitAnd::bitand;
    VBitOr::vbitor, BitOr::bitor;
    VBitXor::vbitxor, BitXor::bitxor;
}

impl<S: Simd, T: Scalar + Not<Output = T>> Not for Vector<S, T> {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        self.map(Not::not)
    }
}

/// An element with an absolute value.
pub trait VAbs: Scalar {
    /// Lane by lane.
    fn vabs<S: Simd>(vector: Vector<S, Self>) -> Vector<S, Self>;
}

impl<S: Simd, T: VAbs> Vector<S, T> {
    /// The absolute values.
    #[inline(always)]
    pub fn abs(self) -> Self {
        T::vabs(self)
    }
}

/// An element that can be compared. A number that is none gives the right one, as on x86-64.
pub trait VOrd: Scalar + PartialOrd {
    /// The smaller ones, lane by lane.
    #[inline(always)]
    fn vmin<S: Simd>(left: Vector<S, Self>, right: Vector<S, Self>) -> Vector<S, Self> {
        left.zip(right, |a, b| if a < b { a } else { b })
    }

    /// The larger ones, lane by lane.
    #[inline(always)]
    fn vmax<S: Simd>(left: Vector<S, Self>, right: Vector<S, Self>) -> Vector<S, Self> {
        left.zip(right, |a, b| if a > b { a } else { b })
    }
}

impl<T: Scalar + PartialOrd> VOrd for T {}

impl<S: Simd, T: VOrd> Vector<S, T> {
    /// The smaller ones, lane by lane.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        T::vmin(self, other)
    }

    /// The larger ones, lane by lane.
    #[inline(always)]
    pub fn max(self, other: Self) -> Self {
        T::vmax(self, other)
    }

    /// Where the lanes are equal.
    #[inline(always)]
    pub fn eq(self, other: Self) -> Mask<S, T> {
        Mask::where_lanes(self, other, |a, b| a == b)
    }

    /// Where the lanes are smaller.
    #[inline(always)]
    pub fn lt(self, other: Self) -> Mask<S, T> {
        Mask::where_lanes(self, other, |a, b| a < b)
    }

    /// Where the lanes are smaller or equal.
    #[inline(always)]
    pub fn le(self, other: Self) -> Mask<S, T> {
        Mask::where_lanes(self, other, |a, b| a <= b)
    }
}

/// A truth value for each lane: a bit each, the first lane's the lowest.
pub struct Mask<S: Simd, T: Scalar>(u32, PhantomData<(S, T)>);

impl<S: Simd, T: Scalar> Mask<S, T> {
    #[inline(always)]
    fn where_lanes(left: Vector<S, T>, right: Vector<S, T>, is: impl Fn(T, T) -> bool) -> Self {
        let bits =
            (0..T::lanes::<S>()).map(|at| u32::from(is(left.lane(at), right.lane(at))) << at);
        Mask(bits.fold(0, BitOr::bitor), PhantomData)
    }

    /// Writes the truth values.
    ///
    /// # Safety
    ///
    /// As many at `to` as a vector has lanes are valid to be written.
    #[inline(always)]
    pub unsafe fn store_as_bool(self, to: *mut bool) {
        for lane in 0..T::lanes::<S>() {
            // SAFETY: the caller's.
            unsafe { to.add(lane).write(self.0 >> lane & 1 == 1) }
        }
    }
}

impl<S: Simd, T: Scalar> BitOr for Mask<S, T> {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Mask(self.0 | other.0, PhantomData)
    }
}

impl<S: Simd, T: Scalar> Not for Mask<S, T> {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        Mask(!self.0, PhantomData)
    }
}

macro_rules! reductions {
    ($($trait:ident::$method:ident { $($of:ident for $($element:ty)*;)* })*) => {
        $(
            /// An element of which a vector can be reduced to one.
            pub trait $trait: Scalar {
                /// Lane by lane, from the first.
                fn $method<S: Simd>(vector: Vector<S, Self>) -> Self;
            }

            $($(impl $trait for $element {
                #[inline(always)]
                fn $method<S: Simd>(vector: Vector<S, Self>) -> Self {
                    vector.fold(<$element>::$of)
                }
            })*)*

            impl<S: Simd, T: $trait> Vector<S, T> {
                /// Lane by lane, from the first.
                #[inline(always)]
                pub fn $method(self) -> T {
                    T::$method(self)
                }
            }
        )*
    };
}

reductions! {
    ReduceAdd::reduce_add {
        add for f32 f64;
        wrapping_add for u8 i8 u16 i16 u32 i32 u64 i64;
    }
    ReduceMin::reduce_min {
        min for f32 f64 u8 i8 u16 i16 u32 i32 u64 i64;
    }
    ReduceMax::reduce_max {
        max for f32 f64 u8 i8 u16 i16 u32 i32 u64 i64;
    }
}

macro_rules! absolute {
    ($($of:ident for $($element:ty)*;)*) => {
        $($(impl VAbs for $element {
            #[inline(always)]
            fn vabs<S: Simd>(vector: Vector<S, Self>) -> Vector<S, Self> {
                vector.map(<$element>::$of)
            }
        })*)*
    };
}

absolute! {
    abs for f32 f64;
    wrapping_abs for i8 i16 i32;
}
