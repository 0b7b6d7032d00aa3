module github.com/torchere/torchere/deploy/test/load

go 1.24

require (
	github.com/torchere/torchere/client/go v0.0.0
	google.golang.org/grpc v1.76.0
)

replace github.com/torchere/torchere/client/go => ../../../client/go
