package packaging

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/libacurast/libacurast/bindings/go"
)

const deadline = 60 * time.Second

// section is a heading of the README with a Go program below it, before the next heading.
var section = regexp.MustCompile("(?s)\n## ([^\n]+)\n(?:[^#`]|`[^`])*?```go\n(.*?)```")

// programs are those of the README, by heading.
func programs(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, match := range section.FindAllStringSubmatch(read(t, filepath.Join(root, "bindings", "go", "README.md")), -1) {
		found[match[1]] = match[2]
	}
	return found
}

// guide is a program of what a section of the README shows in pieces.
func guide(t *testing.T, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, filepath.Join(root, "bindings", "go", "README.md")), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("there is no %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	pieces := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(pieces) < 2 {
		t.Fatalf("%d pieces in %q", len(pieces), heading)
	}
	program := `package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

var err error // of a piece that has none

func main() { fmt.Println(errors.ErrUnsupported, json.Valid(nil)) }
`
	for i, piece := range pieces {
		program += fmt.Sprintf("\nfunc piece%d(ctx context.Context, client *acurast.Client, id acurast.ID, identity *acurast.Identity) error {\n"+
			"%s\nreturn err\n}\n\nvar _ = piece%d\n", i, piece[1], i)
	}
	return program
}

// replaced fails where there is nothing to replace.
func replaced(t *testing.T, text, before, after string) string {
	t.Helper()
	if !strings.Contains(text, before) {
		t.Fatalf("there is no %q in\n%s", before, text)
	}
	return strings.ReplaceAll(text, before, after)
}

// TestTheProgramsOfTheReadme: they are what a user copies, and do what the page says.
func TestTheProgramsOfTheReadme(t *testing.T) {
	service, err := acurast.NewService()
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	identity, err := acurast.NewIdentity(acurast.P256)
	if err != nil {
		t.Fatal(err)
	}
	defer identity.Close()
	pem, err := identity.PEM()
	if err != nil {
		t.Fatal(err)
	}
	key := identity.PublicKey()

	page := programs(t)
	here := func(name string) string { return replaced(t, page[name], "ws://127.0.0.1:9001", service.URL()) }
	c := newConsumer(t, map[string]string{
		"dapp/main.go":         replaced(t, here("A dApp"), "02…", hex.EncodeToString(key[:])),
		"processor/main.go":    here("A processor"),
		"ask/main.go":          guide(t, "Ask and serve"),
		"sender/main.go":       replaced(t, here("A dApp that sends payloads"), "02…", hex.EncodeToString(key[:])),
		"echo/main.go":         here("An echo processor"),
		"know/main.go":         guide(t, "Know what became of it"),
		"dapp/test/it_test.go": page["Tests of your dApp"],
		"key.pem":              string(pem),
	})
	c.do(t, "go", "vet", "./...")
	c.do(t, "go", "build", "-o", "bin/", "./dapp", "./processor", "./sender", "./echo")
	c.do(t, "go", "test", "./dapp/test")

	for _, each := range []struct{ processor, dapp, want string }{
		{"bin/processor", "bin/dapp", "42.5\n"},
		{"bin/echo", "bin/sender", identity.ID().String() + " hello\n"}, // which takes over
	} {
		if first := start(t, c, each.processor); first != "id "+identity.ID().String() {
			t.Errorf("%s said %q", each.processor, first)
		}
		if said := c.do(t, each.dapp); said != each.want {
			t.Errorf("%s said %q", each.dapp, said)
		}
	}
}

// start runs a program until the test ends, and returns its first line.
func start(t *testing.T, c consumer, name string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	process := exec.CommandContext(ctx, filepath.Join(c.folder, name), arguments...)
	process.Dir, process.Env = c.folder, c.environment
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		process.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s ended: %v", name, err)
	}
	return strings.TrimSpace(line)
}

// TestTheDAppOfTheReadmeIsShort: what it does, without the lines that every Go program has.
func TestTheDAppOfTheReadmeIsShort(t *testing.T) {
	_, body, found := strings.Cut(programs(t)["A dApp"], "func main() {\n")
	if lines := strings.Count(strings.TrimSuffix(body, "}\n"), "\n"); !found || lines > 15 {
		t.Errorf("the dApp has %d lines", lines)
	}
}
