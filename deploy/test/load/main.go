// SPDX-License-Identifier: Apache-2.0

// Command load calls the model digits of a Torchere server without pause for as long as it is let,
// and prints a line each second that says how that went since it began:
//
//	calls=812 failed=0 retries=3 slowest_ms=41 pods=10.244.1.9:8500=410,10.244.2.7:8500=402 error=""
//
// error is the first that came.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"

	torchere "github.com/torchere/torchere/client/go"
)

// tally is what came of the calls that have ended.
type tally struct {
	mutex                  sync.Mutex
	calls, failed, retries int
	slowest                time.Duration
	pods                   map[string]int
	first                  string
}

func (t *tally) add(took time.Duration, tries int32, err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.calls++
	t.retries += max(0, int(tries)-1)
	t.slowest = max(t.slowest, took)
	if err == nil {
		return
	}
	t.failed++
	if t.first == "" {
		t.first = err.Error()
	}
}

func (t *tally) answeredBy(pod string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.pods[pod]++
}

func (t *tally) line() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	pods := []string{}
	for _, pod := range slices.Sorted(maps.Keys(t.pods)) {
		pods = append(pods, fmt.Sprintf("%s=%d", pod, t.pods[pod]))
	}
	return fmt.Sprintf("calls=%d failed=%d retries=%d slowest_ms=%d pods=%s error=%q",
		t.calls, t.failed, t.retries, t.slowest.Milliseconds(),
		strings.Join(pods, ","), t.first)
}

// triesKey is where a call's context has the number of its tries, for tryCounter.
type triesKey struct{}

// tryCounter is a stats handler: gRPC tells it of each try of a call.
type tryCounter struct{}

func (tryCounter) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, begins := event.(*stats.Begin); begins {
		ctx.Value(triesKey{}).(*atomic.Int32).Add(1)
	}
}

func (tryCounter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (tryCounter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (tryCounter) HandleConn(context.Context, stats.ConnStats)                       {}

// intercept notes which pod answered.
func (t *tally) intercept(ctx context.Context, method string, request, answer any,
	connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	var pod peer.Peer
	err := invoke(ctx, method, request, answer, connection, append(options, grpc.Peer(&pod))...)
	if err == nil && pod.Addr != nil {
		t.answeredBy(pod.Addr.String())
	}
	return err
}

func call(ctx context.Context, client *torchere.Client, t *tally) {
	var tries atomic.Int32
	ctx = context.WithValue(ctx, triesKey{}, &tries)
	begin := time.Now()
	err := predict(ctx, client)
	t.add(time.Since(begin), tries.Load(), err)
}

func predict(ctx context.Context, client *torchere.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := client.Predict(ctx, "digits", torchere.Inputs{
		"pixels": torchere.NewTensor(make([]float32, 64), 1, 1, 8, 8),
	})
	return err
}

// caller makes one call after the other.
type caller struct {
	connect func() (*torchere.Client, error)
	pause   time.Duration
	fresh   bool
}

func (c caller) run(ctx context.Context, t *tally) error {
	client, err := c.connect()
	for ; err == nil && ctx.Err() == nil; time.Sleep(c.pause) {
		call(ctx, client, t)
		if c.fresh {
			client.Close()
			client, err = c.connect()
		}
	}
	return err
}

func main() {
	target := flag.String("target", "127.0.0.1:8500", "the server, as gRPC names it")
	callers := flag.Int("callers", 4, "calls at a time")
	pause := flag.Duration("pause", 20*time.Millisecond, "between two calls of a caller")
	limit := flag.Duration("for", 15*time.Minute, "how long")
	fresh := flag.Bool("fresh", false, "a connection for each call, which is sent once")
	flag.Parse()

	t := &tally{pods: map[string]int{}}
	options := []torchere.Option{torchere.WithDialOptions(
		grpc.WithUnaryInterceptor(t.intercept), grpc.WithStatsHandler(tryCounter{}))}
	if *fresh {
		options = append(options, torchere.WithoutRetries())
	}
	connect := func() (*torchere.Client, error) { return torchere.New(*target, options...) }
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	for range *callers {
		go func() {
			if err := (caller{connect, *pause, *fresh}).run(ctx, t); err != nil {
				log.Fatal(err)
			}
		}()
	}
	for seconds := time.Tick(time.Second); ctx.Err() == nil; {
		<-seconds
		fmt.Println(t.line())
	}
}
