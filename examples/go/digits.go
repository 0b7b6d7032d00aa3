// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	torchere "github.com/torchere/torchere/client/go"
)

const (
	side     = 8 // pixels of a digit
	maxBytes = 64 << 10
	timeout  = 5 * time.Second
)

//go:embed index.html
var page []byte

// reading is what the service answers.
type reading struct {
	Digit       int     `json:"digit"`
	Probability float32 `json:"probability"`
}

// newHandler serves the page at / and takes a PNG at /digit.
func newHandler(client *torchere.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	mux.HandleFunc("POST /digit", func(w http.ResponseWriter, r *http.Request) {
		pixels, err := readDigit(http.MaxBytesReader(w, r.Body, maxBytes))
		if err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		read, err := classify(ctx, client, pixels)
		if err != nil {
			log.Print(err)
			answer(w, statusOf(w, err), map[string]string{"error": "the digit could not be read now"})
			return
		}
		answer(w, http.StatusOK, read)
	})
	return mux
}

// readDigit gives the 8×8 pixels of a PNG, row by row, 0 (black) to 1 (white).
func readDigit(body io.Reader) ([]float32, error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	// Before it is decoded: a small file may say that it is a large picture.
	config, err := png.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("not a PNG: %w", err)
	}
	if config.Width != side || config.Height != side {
		return nil, fmt.Errorf("a picture of %d×%d pixels is wanted, this has %d×%d", side, side,
			config.Width, config.Height)
	}
	picture, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("not a PNG: %w", err)
	}
	return greys(picture), nil
}

func greys(picture image.Image) []float32 {
	bounds := picture.Bounds()
	var pixels []float32
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			grey := color.GrayModel.Convert(picture.At(x, y)).(color.Gray)
			pixels = append(pixels, float32(grey.Y)/math.MaxUint8)
		}
	}
	return pixels
}

// classify asks Torchere.
func classify(ctx context.Context, client *torchere.Client, pixels []float32) (reading, error) {
	prediction, err := client.Predict(ctx, "digits", torchere.Inputs{
		"pixels": torchere.NewTensor(pixels, 1, 1, side, side),
	})
	if err != nil {
		return reading{}, err
	}
	scores, err := torchere.Output[torchere.Tensor[float32]](prediction, "probabilities")
	if err != nil {
		return reading{}, err
	}
	best := slices.Max(scores.Data)
	return reading{Digit: slices.Index(scores.Data, best), Probability: best}, nil
}

// statusOf is the HTTP status for a failed Predict. It sets Retry-After where the server names a time.
func statusOf(w http.ResponseWriter, err error) int {
	var refused *torchere.Error
	if !errors.As(err, &refused) {
		return http.StatusInternalServerError
	}
	if refused.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(refused.RetryAfter.Seconds()))))
	}
	switch refused.Code {
	case codes.Unavailable, codes.ResourceExhausted:
		return http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

func answer(w http.ResponseWriter, status int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(content)
}
