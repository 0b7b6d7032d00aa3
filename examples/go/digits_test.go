// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	torchere "github.com/torchere/torchere/client/go"
	"github.com/torchere/torchere/client/go/torcheretest"
)

const samples = "../../models/digits/samples"

// service is the URL of a service in front of the Torchere at target.
func service(t *testing.T, target string) string {
	t.Helper()
	client, err := torchere.New(target, torchere.WithoutRetries())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newHandler(client))
	t.Cleanup(func() {
		server.Close()
		_ = client.Close()
	})
	return server.URL
}

// realService is one in front of a real server, which it starts.
func realService(t *testing.T) string {
	t.Helper()
	program := os.Getenv("TORCHERE_SERVER")
	if program == "" {
		t.Skip("TORCHERE_SERVER is unset: it names the server's program for this test")
	}
	server, err := torcheretest.Start(program, "--models=../../models")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return service(t, server.Target)
}

// upload posts the body; it gives the status, and the answer in its members.
func upload(t *testing.T, url string, body []byte) (status int, answer map[string]any) {
	t.Helper()
	response, err := http.Post(url+"/digit", "image/png", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

func pngOf(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestEverySampleIsReadAsTheDigitThatItIs(t *testing.T) {
	url := realService(t)
	files, err := filepath.Glob(filepath.Join(samples, "digit_*.png"))
	if err != nil || len(files) != 10 {
		t.Fatalf("samples: %v %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(file, ".png")
		want := float64(name[len(name)-1] - '0')
		status, answer := upload(t, url, content)
		if status != http.StatusOK || answer["digit"] != want || answer["probability"].(float64) < 0.9 {
			t.Errorf("%s: %d %v", file, status, answer)
		}
	}
}

func TestWhatIsNoDigitIsRefusedBeforeItIsSent(t *testing.T) {
	url := service(t, "127.0.0.1:1")
	for text, body := range map[string][]byte{
		"not a PNG":        []byte("3"),
		"unexpected EOF":   pngOf(t, image.NewGray(image.Rect(0, 0, 8, 8)))[:60],
		"this has 9×8":     pngOf(t, image.NewGray(image.Rect(0, 0, 9, 8))),
		"body too large":   make([]byte, maxBytes+1),
		"this has 999×999": pngOf(t, image.NewGray(image.Rect(0, 0, 999, 999))),
	} {
		status, answer := upload(t, url, body)
		if said, _ := answer["error"].(string); status != http.StatusBadRequest || !strings.Contains(said, text) {
			t.Errorf("%s: %d %v", text, status, answer)
		}
	}
}

func TestAServerThatIsAwayIsServiceUnavailable(t *testing.T) {
	url := service(t, "127.0.0.1:1")
	status, answer := upload(t, url, pngOf(t, image.NewGray(image.Rect(0, 0, 8, 8))))
	if status != http.StatusServiceUnavailable || answer["error"] == nil {
		t.Errorf("%d %v", status, answer)
	}
}

func TestThePageIsThere(t *testing.T) {
	response, err := http.Get(service(t, "127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Contains(content, []byte(`type="file"`)) {
		t.Errorf("%s %v", content, err)
	}
}
