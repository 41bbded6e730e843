/* Stands in for a C library that rounds otherwise. Preloaded, it gives the number above
 * each result of the C library's elementary functions. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);

#define ONE(name) \
    double name(double x) { REAL(name) return nextafter(real(x), INFINITY); } \
    float name##f(float x) { REAL(name##f) return nextafterf(real(x), INFINITY); }

#define TWO(name) \
    double name(double x, double y) { REAL(name) return nextafter(real(x, y), INFINITY); } \
    float name##f(float x, float y) { REAL(name##f) return nextafterf(real(x, y), INFINITY); }

ONE(acos) ONE(asin) ONE(atan) ONE(cbrt) ONE(cos) ONE(cosh) ONE(exp) ONE(exp2) ONE(expm1)
ONE(log) ONE(log10) ONE(log1p) ONE(log2) ONE(sin) ONE(sinh) ONE(tan) ONE(tanh)
TWO(atan2) TWO(hypot) TWO(pow)

void sincos(double x, double *sine, double *cosine) { *sine = sin(x); *cosine = cos(x); }
void sincosf(float x, float *sine, float *cosine) { *sine = sinf(x); *cosine = cosf(x); }
