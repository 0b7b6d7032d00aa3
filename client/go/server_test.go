// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	torchere "github.com/torchere/torchere/client/go"
	"github.com/torchere/torchere/client/go/torcheretest"
)

// realClient is a client of the real server, for tests of what only that can show.
func realClient(t *testing.T) *torchere.Client {
	t.Helper()
	if !isReal {
		t.Skip("TORCHERE_SERVER is unset: it names the server's program for these tests")
	}
	return newClient(t, target)
}

func TestTheServersRefusalsAreErrors(t *testing.T) {
	client := realClient(t)
	pixels := torchere.NewTensor(make([]float32, 56), 1, 1, 8, 7)
	for _, test := range []struct {
		model  string
		inputs torchere.Inputs
		code   codes.Code
		reason string
	}{
		{"digit", nil, codes.NotFound, "MODEL_NOT_FOUND"},
		{"digits", nil, codes.InvalidArgument, "MISSING_INPUT"},
		{"digits", torchere.Inputs{"pixels": pixels}, codes.InvalidArgument, "SHAPE_MISMATCH"},
		{"digits", torchere.Inputs{"pixels": torchere.Text("3")}, codes.InvalidArgument, "TYPE_MISMATCH"},
	} {
		_, err := client.Predict(ctx, test.model, test.inputs)
		refused := refusal(t, err)
		if refused.Code != test.code || refused.Reason != test.reason || refused.Model != test.model {
			t.Errorf("expected %v %s of %s, got %v", test.code, test.reason, test.model, err)
		}
	}
}

func TestADeadlineEndsACallWhoseModelStillRuns(t *testing.T) {
	client := realClient(t)
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	_, err := client.Predict(short, "failing", torchere.Inputs{"n": torchere.Int(50_000)}, torchere.Method("spins"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestTheServersSignatureHasDefaults(t *testing.T) {
	signature, err := realClient(t).Signature(ctx, "types")
	if err != nil {
		t.Fatal(err)
	}
	var defaults int
	for _, input := range signature.Method("with_defaults").Inputs {
		if input.Default != nil {
			defaults++
		}
	}
	if defaults == 0 {
		t.Errorf("%+v", signature.Method("with_defaults"))
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	realClient(t)
	server, err := torcheretest.Start(os.Getenv("TORCHERE_SERVER"), "--model=digits=nowhere.pt")
	if err == nil {
		t.Errorf("started: %v", server.Stop())
	}
}
