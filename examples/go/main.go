// SPDX-License-Identifier: Apache-2.0

// Command go is an HTTP service in front of Torchere: upload a digit, get its class.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	torchere "github.com/torchere/torchere/client/go"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`address` to serve HTTP at")
	target := flag.String("torchere", "127.0.0.1:8500", "`address` of the Torchere server")
	flag.Parse()
	if err := serve(*listen, *target); err != nil {
		log.Fatal(err)
	}
}

// serve serves until the process is told to end, and then answers what it has taken.
func serve(listen, target string) error {
	client, err := torchere.New(target)
	if err != nil {
		return err
	}
	defer client.Close()
	server := &http.Server{Addr: listen, Handler: newHandler(client), ReadTimeout: 10 * time.Second}

	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	done := make(chan error)
	go func() {
		<-ended.Done()
		done <- server.Shutdown(context.Background())
	}()
	log.Printf("upload a digit at http://%s", listen)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}
