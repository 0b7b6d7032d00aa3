// SPDX-License-Identifier: Apache-2.0

// Command go calls an echo through client/go and through the bare stub in turn: go_echo TARGET BYTES
// SECONDS. It prints one JSON object: library_us and stub_us, medians, and calls, how many of each.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	torchere "github.com/torchere/torchere/client/go"
	"github.com/torchere/torchere/client/go/torcherev1"
)

const warmUpCalls = 5

var ctx = context.Background()

// medians is what is printed.
type medians struct {
	Library float64 `json:"library_us"`
	Stub    float64 `json:"stub_us"`
	Calls   int     `json:"calls"`
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: go_echo TARGET BYTES SECONDS")
		os.Exit(2)
	}
	bytes, err := strconv.Atoi(os.Args[2])
	seconds, wrong := strconv.ParseFloat(os.Args[3], 64)
	if err = errors.Join(err, wrong); err == nil {
		err = measure(os.Args[1], bytes, time.Duration(seconds*float64(time.Second)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "go_echo:", err)
		os.Exit(1)
	}
}

func measure(target string, bytes int, length time.Duration) error {
	numbers := make([]float32, bytes/4)
	for i := range numbers {
		numbers[i] = float32(i)
	}
	library, err := libraryCall(target, numbers)
	if err != nil {
		return err
	}
	stub, err := stubCall(target, numbers)
	if err != nil {
		return err
	}
	var libraryTimes, stubTimes []float64
	for end := time.Now().Add(length); time.Now().Before(end) || len(stubTimes) <= warmUpCalls; {
		// Who comes first takes turns.
		if len(stubTimes)%2 == 0 {
			err = errors.Join(timed(library, &libraryTimes), timed(stub, &stubTimes))
		} else {
			err = errors.Join(timed(stub, &stubTimes), timed(library, &libraryTimes))
		}
		if err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(medians{
		Library: median(libraryTimes), Stub: median(stubTimes), Calls: len(stubTimes) - warmUpCalls,
	})
}

// timed makes a call and adds the microseconds that it took.
func timed(call func() error, times *[]float64) error {
	begin := time.Now()
	err := call()
	*times = append(*times, float64(time.Since(begin).Nanoseconds())/1000)
	return err
}

// libraryCall is a call by client/go, from the numbers to numbers.
func libraryCall(target string, numbers []float32) (func() error, error) {
	client, err := torchere.New(target)
	if err != nil {
		return nil, err
	}
	return func() error {
		answer, err := client.Predict(ctx, "types", torchere.Inputs{
			"x": torchere.NewTensor(numbers, int64(len(numbers))),
		})
		if err != nil {
			return err
		}
		echo, err := torchere.Output[torchere.Tensor[float32]](answer, "output")
		if err == nil && len(echo.Data) != len(numbers) {
			return errors.New("the echo is not what was sent")
		}
		return err
	}, nil
}

// stubCall is a call by the generated stub, from bytes that are in place to bytes.
func stubCall(target string, numbers []float32) (func() error, error) {
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)))
	if err != nil {
		return nil, err
	}
	stub := torcherev1.NewPredictServiceClient(conn)
	request := prepared(numbers)
	size := len(request.GetInputs()[0].GetValue().GetTensor().GetData())
	return func() error {
		answer, err := stub.Predict(ctx, request)
		if err == nil && len(answer.GetOutputs()[0].GetValue().GetTensor().GetData()) != size {
			return errors.New("the echo is not what was sent")
		}
		return err
	}, nil
}

// prepared is the request as a caller of the stub has it: with its bytes in place.
func prepared(numbers []float32) *torcherev1.PredictRequest {
	tensor := &torcherev1.Tensor{
		Dtype: torcherev1.DataType_DATA_TYPE_FP32,
		Shape: []int64{int64(len(numbers))},
		Data:  slices.Clone(torchere.NewTensor(numbers).Bytes()),
	}
	return &torcherev1.PredictRequest{
		Model: &torcherev1.ModelSpec{Name: "types"},
		Inputs: []*torcherev1.NamedValue{{
			Name:  "x",
			Value: &torcherev1.Value{Kind: &torcherev1.Value_Tensor{Tensor: tensor}},
		}},
	}
}

func median(times []float64) float64 {
	counted := slices.Sorted(slices.Values(times[warmUpCalls:]))
	return counted[len(counted)/2]
}
