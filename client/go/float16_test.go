// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"math"
	"testing"

	torchere "github.com/torchere/torchere/client/go"
)

// definedFP16 is IEEE 754's own formula.
func definedFP16(bits uint16) float64 {
	sign := 1 - 2*float64(bits>>15)
	exponent, mantissa := int(bits>>10&0x1f), float64(bits&0x3ff)
	switch exponent {
	case 0:
		return sign * math.Ldexp(mantissa, -24)
	case 31:
		if mantissa == 0 {
			return math.Inf(int(sign))
		}
		return math.NaN()
	}
	return sign * math.Ldexp(1024+mantissa, exponent-25)
}

func TestEveryFP16IsTheFloat32ThatIEEE754Says(t *testing.T) {
	for bits := range 1 << 16 {
		got, want := float64(torchere.FP16(bits).Float32()), definedFP16(uint16(bits))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (bits>>15 == 1) {
			t.Fatalf("%#04x: %v, expected %v", bits, got, want)
		}
	}
}

func TestEveryFP16AndBF16ComesBackFromFloat32(t *testing.T) {
	for bits := range 1 << 16 {
		half, brain := torchere.FP16(bits), torchere.BF16(bits)
		if number := half.Float32(); torchere.NewFP16(number) != half && number == number {
			t.Fatalf("FP16 %#04x is %#04x after %v", bits, torchere.NewFP16(number), number)
		}
		if number := brain.Float32(); torchere.NewBF16(number) != brain && number == number {
			t.Fatalf("BF16 %#04x is %#04x after %v", bits, torchere.NewBF16(number), number)
		}
	}
}

func TestAFloat32BetweenTwoFP16BecomesTheNearerOrTheEvenOne(t *testing.T) {
	for bits := range uint16(0x7c00) {
		below, above := definedFP16(bits), definedFP16(bits+1)
		if bits+1 == 0x7c00 {
			above = 65536 // where the next one would be
		}
		middle, even := float32((below+above)/2), torchere.FP16(bits+bits&1)
		for _, sign := range []float32{1, -1} {
			signed := torchere.NewFP16(0 * sign)
			cases := map[float32]torchere.FP16{
				math.Nextafter32(middle, 0):             torchere.FP16(bits),
				middle:                                  even,
				math.Nextafter32(middle, math.MaxInt32): torchere.FP16(bits + 1),
			}
			for number, want := range cases {
				if got := torchere.NewFP16(sign * number); got != want|signed {
					t.Fatalf("%v: %#04x, expected %#04x", sign*number, got, want|signed)
				}
			}
		}
	}
}

func TestAFloat32BetweenTwoBF16BecomesTheNearerOrTheEvenOne(t *testing.T) {
	for bits := range uint32(0x7f80) {
		middle := bits<<16 | 0x8000
		cases := map[uint32]torchere.BF16{
			middle - 1: torchere.BF16(bits),
			middle:     torchere.BF16(bits + bits&1),
			middle + 1: torchere.BF16(bits + 1),
		}
		for number, want := range cases {
			if got := torchere.NewBF16(math.Float32frombits(number)); got != want {
				t.Fatalf("%#08x: %#04x, expected %#04x", number, got, want)
			}
		}
	}
}

func TestNaNStaysNaNAndTooLargeBecomesInfinite(t *testing.T) {
	for _, nan := range []uint32{0x7fc0_0000, 0xffc0_0001, 0x7f80_0001} {
		number := math.Float32frombits(nan)
		if half := torchere.NewFP16(number).Float32(); half == half {
			t.Errorf("FP16 of the NaN %#08x is %v", nan, half)
		}
		if brain := torchere.NewBF16(number).Float32(); brain == brain {
			t.Errorf("BF16 of the NaN %#08x is %v", nan, brain)
		}
	}
	for _, large := range []float32{65536, math.MaxFloat32, float32(math.Inf(1))} {
		if got := torchere.NewFP16(-large); got != 0xfc00 {
			t.Errorf("%v: %#04x, expected minus infinity", -large, got)
		}
	}
	if got := torchere.NewBF16(math.MaxFloat32); got != 0x7f80 {
		t.Errorf("the largest float32: %#04x, expected infinity", got)
	}
}
