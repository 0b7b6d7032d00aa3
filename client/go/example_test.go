// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	torchere "github.com/torchere/torchere/client/go"
)

// A wine, its label by the model, and the probability of each class.
func Example() {
	client, err := torchere.New(target) // "127.0.0.1:8500", say
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	wine := []float32{13.41, 3.84, 2.12, 18.8, 90, 2.45, 2.68, 0.27, 1.48, 4.28, 0.91, 3, 1035}
	answer, err := client.Predict(context.Background(), "wine", torchere.Inputs{
		"features": torchere.NewTensor(wine, 1, 13),
	})
	if err != nil {
		log.Fatal(err)
	}
	label, err := torchere.Output[torchere.Tensor[int64]](answer, "label")
	if err != nil {
		log.Fatal(err)
	}
	scores, err := torchere.Output[torchere.Tensor[float32]](answer, "probabilities")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("class %d of shape %v, %.2f", label.Data[0], scores.Shape, scores.Data)
	// Output: class 0 of shape [1 3], [0.99 0.00 0.01]
}

// Another method, one output of it, and a deadline.
func ExampleClient_Predict_options() {
	client, err := torchere.New(target)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer, err := client.Predict(ctx, "wine", torchere.Inputs{
		"features": torchere.NewTensor(make([]float32, 2*13), 2, 13), // two rows
	}, torchere.Method("logits"), torchere.Outputs("logits"), torchere.Version(1))
	if err != nil {
		log.Fatal(err)
	}
	logits, err := torchere.Output[torchere.Tensor[float32]](answer, "logits")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Model.Name, answer.Model.Version, answer.Model.Method, logits.Shape)
	// Output: wine 1 logits [2 3]
}

func ExampleError() {
	client, err := torchere.New(target)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.Predict(context.Background(), "beer", nil)
	var refused *torchere.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Code, refused.Reason, refused.Model)
		if refused.RetryAfter > 0 {
			time.Sleep(refused.RetryAfter) // the server is full: ask again then
		}
	}
	// Output: NotFound MODEL_NOT_FOUND beer
}

func ExampleClient_Status() {
	client, err := torchere.New(target)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	status, err := client.Status(context.Background(), "wine")
	if err != nil {
		log.Fatal(err)
	}
	for _, version := range status.Versions {
		fmt.Println(status.Name, version.Version, version.State, version.Device)
	}
	// Output: wine 1 AVAILABLE cpu
}

func ExampleClient_Signature() {
	client, err := torchere.New(target)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	signature, err := client.Signature(context.Background(), "wine")
	if err != nil {
		log.Fatal(err)
	}
	forward := signature.Method("forward")
	for _, input := range forward.Inputs {
		fmt.Println("takes", input.Name, input.DType, input.Shape)
	}
	for _, output := range forward.Outputs {
		fmt.Println("gives", output.Name, output.DType, output.Shape, output.Labels)
	}
	// Output:
	// takes features FP32 [-1 13]
	// gives label INT64 [-1] []
	// gives probabilities FP32 [-1 3] [Barolo Grignolino Barbera]
}

// Everything that TorchScript has a value for can be sent.
func ExampleValue() {
	values := torchere.Inputs{
		"tokens":    torchere.NewTensor([]int64{101, 7592, 102}, 1, 3),
		"mask":      torchere.NewTensor([]bool{true, true, true}, 1, 3),
		"halves":    torchere.NewTensor([]torchere.FP16{torchere.NewFP16(0.5)}, 1),
		"scale":     torchere.Scalar(float32(0.1)),
		"threshold": torchere.Float(0.5),
		"top":       torchere.Int(3),
		"language":  torchere.Text("en"),
		"weights":   torchere.Null{},
		"point": torchere.Map{
			{Key: torchere.Text("x"), Value: torchere.Float(1)},
			{Key: torchere.Text("y"), Value: torchere.Float(2)},
		},
		"names": torchere.List{torchere.Text("a"), torchere.Text("b")},
	}
	fmt.Println(len(values))
	// Output: 10
}
