// SPDX-License-Identifier: Apache-2.0

// Command go runs the conformance cases through client/go: go_runner TARGET CASES_FOLDER.
// ../../README.md says what cases are and what is printed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	torchere "github.com/torchere/torchere/client/go"
)

const language = "go"

type caseFile struct {
	Cases []testCase
}

type testCase struct {
	Name       string
	Steps      []step
	Impossible map[string]string
}

// outcome is what is said of a case.
type outcome struct {
	File   string `json:"file"`
	Case   string `json:"case"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go_runner TARGET CASES_FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "go_runner:", err)
		os.Exit(1)
	}
}

func run(target, folder string) error {
	client, err := torchere.New(target)
	if err != nil {
		return err
	}
	defer client.Close()
	runner := &runner{client: client, orders: bufio.NewReader(os.Stdin)}
	files, err := filepath.Glob(filepath.Join(folder, "*.json")) // in the order of their names
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := runner.runFile(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// runner runs cases, all on one client.
type runner struct {
	client *torchere.Client
	orders *bufio.Reader // where a line comes once the server is stopped or started
}

func (r *runner) runFile(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var file caseFile
	if err := json.Unmarshal(content, &file); err != nil {
		return err
	}
	for _, test := range file.Cases {
		if _, impossible := test.Impossible[language]; impossible {
			continue
		}
		result := outcome{File: strings.TrimSuffix(filepath.Base(name), ".json"), Case: test.Name, OK: true}
		for i, step := range test.Steps {
			if err := r.runStep(step); err != nil {
				result.OK = false
				result.Detail = strings.Join(strings.Fields(fmt.Sprintf("step %d: %v", i+1, err)), " ")
				break
			}
		}
		if err := say(result); err != nil {
			return err
		}
	}
	return nil
}

// say prints one line of JSON.
func say(what any) error {
	return json.NewEncoder(os.Stdout).Encode(what)
}
