// Package bench holds the binding against a client in pure Go, in one run through one acurast-service:
//
//	ACURAST_BIN=build/bin go test -run '^$' -bench . ./bench
//
// Processor time is that of this process alone, I/O threads included; the service, the echo, the sink and the source are others.
package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/libacurast/libacurast/bindings/go"
	"github.com/libacurast/libacurast/bindings/go/internal/core"
	"go.uber.org/goleak"
)

const deadline = 30 * time.Second

// sourceURL makes this program the source: a process that sends as many payloads as it is asked for.
const sourceURL = "ACURAST_BENCH_SOURCE"

func TestMain(m *testing.M) {
	if url := os.Getenv(sourceURL); url != "" {
		serveAsSource(url)
		return
	}
	code := m.Run()
	world.end()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if left := core.LiveObjects(); left != 0 && code == 0 {
		fmt.Fprintln(os.Stderr, left, "objects of the core are left")
		code = 1
	}
	os.Exit(code)
}

// others are the processes around this one.
type others struct {
	once               sync.Once
	running            []*exec.Cmd
	url                string
	echo, sink, source acurast.ID
	missing            string // why there are none
}

var world others

// need starts them once.
func need(tb testing.TB) *others {
	tb.Helper()
	world.once.Do(world.start)
	if world.missing != "" {
		tb.Skip(world.missing)
	}
	return &world
}

func (o *others) start() {
	folder := binaries()
	service := filepath.Join(folder, "acurast-service")
	if _, err := os.Stat(service); err != nil {
		o.missing = "there is no acurast-service to talk to: ACURAST_BIN names its folder"
		return
	}
	line := o.begin(service, "--listen", "127.0.0.1:0", "--rate-messages", "0", "--rate-bytes", "0")
	o.url = line[strings.LastIndexByte(line, ' ')+1:]
	listen := []string{filepath.Join(folder, "acurast-peer"), "listen", "--url", o.url, "--quiet", "--json"}
	o.echo = idIn(o.begin(append(listen, "--echo")...))
	o.sink = idIn(o.begin(listen...))
	os.Setenv(sourceURL, o.url)
	defer os.Unsetenv(sourceURL)
	o.source = idIn(o.begin(os.Args[0]))
}

// binaries is the folder of the programs.
func binaries() string {
	if folder := os.Getenv("ACURAST_BIN"); folder != "" {
		return folder
	}
	return filepath.Join("..", "..", "..", "..", "build", "bin")
}

// begin starts a program that goes on, and returns its first line.
func (o *others) begin(command ...string) string {
	process := exec.Command(command[0], command[1:]...)
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		panic(err)
	}
	o.running = append(o.running, process)
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		panic(fmt.Sprintf("%s ended: %v", command[0], err))
	}
	go io.Copy(io.Discard, lines)
	return strings.TrimSpace(line)
}

func (o *others) end() {
	for i := len(o.running) - 1; i >= 0; i-- {
		o.running[i].Process.Signal(syscall.SIGTERM)
		o.running[i].Wait()
	}
}

func idIn(line string) acurast.ID {
	var told struct{ ID acurast.ID }
	if err := json.Unmarshal([]byte(line), &told); err != nil {
		panic(err)
	}
	return told.ID
}

// serveAsSource answers each message, a number, with so many payloads, until it is ended.
func serveAsSource(url string) {
	ctx := context.Background()
	client, err := acurast.Dial(ctx, url)
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"id\":%q}\n", client.ID())
	payload := make([]byte, payloadSize)
	for message := range client.Messages() {
		for n := binary.BigEndian.Uint32(message.Payload); n > 0; n-- {
			if err := client.Enqueue(ctx, message.Sender, payload); err != nil {
				panic(err)
			}
		}
	}
}
