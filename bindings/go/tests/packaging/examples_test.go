package packaging

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/libacurast/libacurast/bindings/go"
)

// examples are built from the tree, as a reader of it would.
func examples(t *testing.T) consumer {
	t.Helper()
	c := consumer{folder: t.TempDir(), environment: os.Environ()}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", c.folder+"/", "./bindings/go/examples/...")
	build.Dir = root
	output(t, build)
	return c
}

// oracle serves "price", with this one.
func oracle(t *testing.T, url string, price float64) acurast.ID {
	t.Helper()
	client, err := acurast.New(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	err = client.Serve(map[string]acurast.Handler{"price": func(ctx context.Context, request *acurast.Request) (any, error) {
		var asked struct{ Pair string }
		if err := request.Params(&asked); err != nil || asked.Pair != "EUR/CHF" {
			return nil, &acurast.RPCError{Code: acurast.CodeInvalidParams, Message: "\x1b[2J"}
		}
		return map[string]float64{"price": price}, nil
	}})
	if err == nil {
		err = client.Connect(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return client.ID()
}

func TestTheExamplesServeAndAsk(t *testing.T) {
	t.Parallel()
	c := examples(t)
	url := strings.TrimPrefix(start(t, c, "service", "127.0.0.1:0"), "listening on ")
	words := []string{"./askmany", url, "EUR/CHF"}
	said := map[string]bool{}
	for _, price := range []float64{0.94, 0.94, 7, 0.94} {
		id := oracle(t, url, price).String()
		words = append(words, id)
		said[fmt.Sprintf("%s %v", id, price)] = true
	}
	for _, each := range []struct{ processor, pair, want string }{
		{words[3], "EUR/CHF", "0.94"},
		{words[3], "CHF/EUR", "error -32602"},
		{strings.Repeat("00", 16), "EUR/CHF", "not here"},
	} {
		answer, took, _ := strings.Cut(c.do(t, "./ask", url, each.processor, each.pair), "\t")
		if answer != each.want || !milliseconds.MatchString(took) {
			t.Errorf("ask said %q, %q", answer, took)
		}
	}
	lines := strings.Split(strings.TrimSuffix(c.do(t, words...), "\n"), "\n")
	if answer, _, _ := strings.Cut(lines[0], "\t"); answer != "0.94" || len(lines) < 4 {
		t.Errorf("askmany said %q", lines)
	}
	for _, line := range lines[1:] {
		if !said[line] {
			t.Errorf("askmany said %q", line)
		}
	}
	if said := c.refused(t, words[:6]...); !strings.Contains(said, "3 equal needed") {
		t.Errorf("three that do not agree: %s", said)
	}
}

var milliseconds = regexp.MustCompile(`^\d+\.\d{3}\n$`)

func TestAnInterruptEndsTheEcho(t *testing.T) {
	t.Parallel()
	service, err := acurast.NewService()
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	echo := examples(t).command("./echo", service.URL())
	out, err := echo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := echo.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Error(err)
	}
	if err := echo.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := echo.Wait(); err != nil {
		t.Error(err)
	}
}
