// Package interop tests the binding with the vendor's unmodified npm client, through our service.
package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/libacurast/libacurast/bindings/go"
	"github.com/libacurast/libacurast/bindings/go/internal/core"
	"go.uber.org/goleak"
)

const (
	deadline = 60 * time.Second
	maxLine  = 4 << 20 // a payload of 1 MiB as hexadecimal, and what is around it
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vendor is the vendor's client in a process of its own: it tells what comes, and sends it back.
type vendor struct {
	identity *acurast.Identity
	lines    *bufio.Scanner
}

// told is a line of its.
type told struct {
	Event             string
	Sender, Recipient acurast.ID
	Payload           string
}

func (v *vendor) next(t *testing.T) (line told) {
	t.Helper()
	if !v.lines.Scan() {
		t.Fatalf("the vendor's client ended: %v", v.lines.Err())
	}
	if err := json.Unmarshal(v.lines.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	return line
}

// command is how the vendor's client is started, if it is there.
func command(t *testing.T, url, keys string) *exec.Cmd {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "..", "tests", "interop")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "@acurast", "dapp")); err != nil {
		t.Skip("the vendor's client is not installed: npm ci --ignore-scripts in tests/interop")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, node, filepath.Join(folder, "lib", "vendor_child.js"), url, keys)
}

func startVendor(t *testing.T, url string) *vendor {
	t.Helper()
	identity, err := acurast.NewIdentity(acurast.P256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { identity.Close() })
	process := command(t, url, keysOf(t, identity))
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.Process.Kill()
		process.Wait()
	})
	v := &vendor{identity: identity, lines: bufio.NewScanner(out)}
	v.lines.Buffer(nil, maxLine)
	if line := v.next(t); line.Event != "started" {
		t.Fatalf("it said %+v", line)
	}
	return v
}

// keysOf is what the child is told of its key pair.
func keysOf(t *testing.T, identity *acurast.Identity) string {
	t.Helper()
	secret, err := identity.Secret()
	if err != nil {
		t.Fatal(err)
	}
	uncompressed, err := identity.UncompressedKey()
	if err != nil {
		t.Fatal(err)
	}
	key := identity.PublicKey()
	keys, err := json.Marshal(map[string]string{
		"secretKey":  hex.EncodeToString(secret),
		"publicKey":  hex.EncodeToString(uncompressed),
		"compressed": hex.EncodeToString(key[:]),
		"id":         identity.ID().String(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(keys)
}

// world is our service and a client of ours. At the end nothing of the core is left.
func world(t *testing.T) (context.Context, *acurast.Service, *acurast.Client) {
	t.Helper()
	before := core.LiveObjects()
	t.Cleanup(func() {
		for end := time.Now().Add(deadline); core.LiveObjects() != before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d objects of the core are left", core.LiveObjects()-before)
			}
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	service, err := acurast.NewService()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	client, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return ctx, service, client
}

func TestThereAndBack(t *testing.T) {
	ctx, service, client := world(t)
	vendor := startVendor(t, service.URL())
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	for name, payload := range map[string][]byte{
		"empty":        {},
		"binary":       everyByte,
		"text":         []byte("ünïcödé ✓"),
		"text as hex":  []byte("deadbeef"),
		"one mebibyte": bytes.Repeat(everyByte, 1<<12),
	} {
		t.Run(name, func(t *testing.T) {
			if err := client.Send(ctx, vendor.identity.ID(), payload); err != nil {
				t.Fatal(err)
			}
			got := vendor.next(t)
			if got.Sender != client.ID() || got.Recipient != vendor.identity.ID() || got.Payload != hex.EncodeToString(payload) {
				t.Errorf("the vendor's client got %d bytes from %s for %s", len(got.Payload)/2, got.Sender, got.Recipient)
			}
			message, err := client.Receive(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if message.Sender != vendor.identity.ID() || message.Recipient != client.ID() || !bytes.Equal(message.Payload, payload) {
				t.Errorf("we got %d bytes from %s for %s", len(message.Payload), message.Sender, message.Recipient)
			}
		})
	}
}

func TestManyInOrder(t *testing.T) {
	ctx, service, client := world(t)
	vendor := startVendor(t, service.URL())
	const count = 200
	for i := 0; i < count; i++ {
		if err := client.Enqueue(ctx, vendor.identity.ID(), strconv.AppendInt(nil, int64(i), 10)); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < count; i++ {
		if message, err := client.Receive(ctx); err != nil || message.Text() != strconv.Itoa(i) {
			t.Fatalf("%q, %v where %d was to come", message.Payload, err, i)
		}
	}
}
