// SPDX-License-Identifier: Apache-2.0

package torchere

import "math"

// FP16 is a float of 16 bits, IEEE 754's binary16: 1 bit of sign, 5 of exponent, 10 of mantissa.
// Go does not calculate with it: see [FP16.Float32] and [NewFP16].
type FP16 uint16

// BF16 is a bfloat16, the upper half of a float32: 1 bit of sign, 8 of exponent, 7 of mantissa.
// Go does not calculate with it: see [BF16.Float32] and [NewBF16].
type BF16 uint16

const (
	float32Quiet    = 0x0040_0000 // the bit that tells a quiet NaN
	float32Infinity = 0x7f80_0000
	fp16Infinity    = 0x7c00
)

// NewFP16 is the FP16 next to a float32, of two that are as near the even one. What is too large
// becomes an infinity.
func NewFP16(number float32) FP16 {
	bits := math.Float32bits(number)
	sign, magnitude := uint16(bits>>16&0x8000), bits&0x7fff_ffff
	switch {
	case magnitude > float32Infinity: // a NaN keeps the upper bits of its payload
		return FP16(sign | fp16Infinity | 0x0200 | uint16(magnitude>>13&0x03ff))
	case magnitude >= 0x4780_0000: // 2^16
		return FP16(sign | fp16Infinity)
	case magnitude < 0x3880_0000: // 2^-14: below it all are multiples of 2^-24
		multiple := math.RoundToEven(math.Ldexp(float64(math.Float32frombits(magnitude)), 24))
		return FP16(sign | uint16(multiple))
	}
	// The exponent's bias is 127 here and 15 there; a carry out of the mantissa is right as it is.
	return FP16(sign | uint16((roundedToEven(magnitude, 13)>>13)-(127-15)<<10))
}

// Float32 is the same number as a float32, which holds every FP16.
func (h FP16) Float32() float32 {
	sign, exponent, mantissa := uint32(h)>>15<<31, uint32(h)>>10&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0:
		magnitude := math.Float32bits(float32(math.Ldexp(float64(mantissa), -24)))
		return math.Float32frombits(sign | magnitude)
	case 0x1f:
		return math.Float32frombits(sign | float32Infinity | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
}

// NewBF16 is the BF16 next to a float32, of two that are as near the even one. What is too large
// becomes an infinity.
func NewBF16(number float32) BF16 {
	bits := math.Float32bits(number)
	if bits&0x7fff_ffff > float32Infinity {
		return BF16((bits | float32Quiet) >> 16)
	}
	return BF16(roundedToEven(bits, 16) >> 16)
}

// Float32 is the same number as a float32, which holds every BF16.
func (b BF16) Float32() float32 {
	return math.Float32frombits(uint32(b) << 16)
}

// roundedToEven adds to bits what makes cutting the lowest count of them a rounding to the nearest,
// of two that are as near to the even one.
func roundedToEven(bits uint32, count int) uint32 {
	odd := bits >> count & 1
	return bits + (1<<(count-1) - 1) + odd
}
