package packaging

import (
	"bufio"
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

func TestTheExamplesServeAskAndEcho(t *testing.T) {
	c := examples(t)
	url := strings.TrimPrefix(start(t, c, "service", "127.0.0.1:0"), "listening on ")
	asked := map[string]bool{}
	words := []string{"./askmany", url}
	for i := 0; i < 4; i++ {
		id := strings.TrimPrefix(start(t, c, "echo", url), "id ")
		asked[id] = true
		words = append(words, id)
	}
	answers := strings.Split(strings.TrimSpace(c.do(t, words...)), "\n")
	if len(answers) != 3 {
		t.Errorf("askmany got %q", answers)
	}
	for _, answer := range answers {
		id, text, _ := strings.Cut(answer, " ")
		if !asked[id] || text != "what time is it?" {
			t.Errorf("askmany said %q", answer)
		}
		asked[id] = false // each counts once
	}
	said := c.do(t, "./ask", url, words[2], "there?")
	if !regexp.MustCompile(`^\d+\.\d{3}\tthere\?\n$`).MatchString(said) {
		t.Errorf("ask said %q", said)
	}
	if said := c.do(t, "./ask", url, words[2], "a\x1b[2J\u009b\u202e\u2028é"); !strings.HasSuffix(said, "\ta?[2J???é\n") {
		t.Errorf("ask said %q", said)
	}
}

func TestAnInterruptEndsTheEcho(t *testing.T) {
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
