// SPDX-License-Identifier: Apache-2.0

// Package torcheretest starts a Torchere server for tests.
package torcheretest

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// A server that is not ready, or has not ended, by then never will.
const patience = 2 * time.Minute

var ready = regexp.MustCompile(`^torchere-server ready grpc=(\S+) models=\d+\n$`)

// Server is a server that runs.
type Server struct {
	// Target is where it listens: what torchere.New takes.
	Target string

	command *exec.Cmd
	log     bytes.Buffer
}

// Start starts the program torchere-server on a free port of this machine, with these flags besides
// ("--models=DIR", say), and waits until it is ready. It must be stopped.
func Start(program string, flags ...string) (*Server, error) {
	server := &Server{command: exec.Command(program, append([]string{"--listen=127.0.0.1:0"}, flags...)...)}
	server.command.Stderr = &server.log
	output, err := server.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.command.Start(); err != nil {
		return nil, err
	}
	watchdog := time.AfterFunc(patience, func() { _ = server.command.Process.Kill() })
	line, _ := bufio.NewReader(output).ReadString('\n')
	watchdog.Stop()
	match := ready.FindStringSubmatch(line)
	if match == nil {
		_ = server.command.Process.Kill()
		err := server.command.Wait()
		return nil, fmt.Errorf("%s is not ready (%v); it said %q and\n%s", program, err, line, &server.log)
	}
	server.Target = match[1]
	return server, nil
}

// Stop ends the server as an orchestrator does, by SIGTERM, and waits for it. It is an error if the
// server does not end well.
func (s *Server) Stop() error {
	watchdog := time.AfterFunc(patience, func() { _ = s.command.Process.Kill() })
	defer watchdog.Stop()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := s.command.Wait(); err != nil {
		return fmt.Errorf("the server did not end well: %w; it said\n%s", err, &s.log)
	}
	return nil
}
