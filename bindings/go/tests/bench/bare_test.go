package bench

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bareRows are what the bare C client calls the rows that it has.
var bareRows = map[string]string{
	"round trips, 1 client":    "RoundTrip1",
	"round trips, 100 clients": "RoundTrip100",
	"sends":                    "Enqueue",
	"handshakes":               "Handshake",
}

// BenchmarkC is the C client by itself, in a process of its own: what is Go's part of ours is the difference. It measures for
// a second, whatever b.N is.
func BenchmarkC(b *testing.B) {
	others := need(b)
	command := exec.Command(bareProgram(b), others.url, others.echo.String(), others.sink.String(), "1")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		b.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var row struct {
			Row                    string
			Messages, Seconds, CPU float64
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			b.Fatal(err)
		}
		b.Run(bareRows[row.Row], func(b *testing.B) {
			b.ReportMetric(0, "ns/op") // not shown: it would be of an empty loop
			b.ReportMetric(row.CPU/row.Messages*1e6, "cpu-µs/op")
			b.ReportMetric(row.Messages/row.Seconds, "per-second")
		})
	}
}

// bareProgram compiles it, against the library beside the programs.
func bareProgram(b *testing.B) string {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		b.Skip("there is no C compiler for the bare C client")
	}
	top := filepath.Join("..", "..", "..", "..")
	library := filepath.Join(binaries(), "..", "lib")
	if _, err := os.Stat(filepath.Join(library, "libacurast.so")); err != nil {
		b.Skip("there is no libacurast beside the programs for the bare C client")
	}
	target := filepath.Join(b.TempDir(), "bare")
	said, err := exec.Command(compiler, "-O2", "-I"+filepath.Join(top, "core", "include"), "-L"+library, "-Wl,-rpath,"+library,
		filepath.Join(top, "bindings", "python", "bench", "bare.c"), "-o", target, "-lacurast").CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, said)
	}
	return target
}
