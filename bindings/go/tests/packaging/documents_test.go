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

// piece is what a section of the README shows that is no program by itself.
type piece struct{ heading, code string }

func pieces(t *testing.T) []piece {
	t.Helper()
	var found []piece
	for _, part := range regexp.MustCompile(`\n##+ `).Split(read(t, filepath.Join(root, "bindings", "go", "README.md")), -1) {
		heading, text, _ := strings.Cut(part, "\n")
		for _, each := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(each[1], "package ") {
				found = append(found, piece{heading, each[1]})
			}
		}
	}
	if len(found) < 20 {
		t.Fatalf("%d pieces", len(found))
	}
	return found
}

// unrun are compiled alone: they wait for ever, or name services that are none.
var unrun = map[string]bool{"Take messages": true, "Who has left": true, "Reconnects": true, "TLS": true, "MessagePack": true}

// guides is a program that runs the pieces, each with a client of its own.
func guides(t *testing.T) string {
	t.Helper()
	program := read(t, filepath.Join("testdata", "guides.go.txt"))
	list := ""
	for i, each := range pieces(t) {
		program += fmt.Sprintf("\nfunc piece%d(ctx context.Context, client *acurast.Client, id acurast.ID, identity *acurast.Identity, url string) error {\n"+
			"%s\nreturn err\n}\n", i, each.code)
		if unrun[each.heading] {
			program += fmt.Sprintf("\nvar _ = piece%d\n", i)
		} else {
			list += fmt.Sprintf("\t{%q, piece%d},\n", each.heading, i)
		}
	}
	return program + "\nvar pieces = []piece{\n" + list + "}\n"
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
	t.Parallel()
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
		"dapp/main.go":         replaced(t, here("A dApp that asks"), "02…", hex.EncodeToString(key[:])),
		"processor/main.go":    here("A processor that answers"),
		"sender/main.go":       replaced(t, here("A dApp that sends payloads"), "02…", hex.EncodeToString(key[:])),
		"echo/main.go":         here("An echo processor"),
		"guides/main.go":       guides(t),
		"dapp/test/it_test.go": page["Tests of your dApp"],
		"key.pem":              string(pem),
	})
	c.compiles(t, "vet", "./...")
	c.compiles(t, "build", "-o", "bin/", "./dapp", "./processor", "./sender", "./echo", "./guides")
	c.do(t, "go", "test", "./dapp/test")
	if said := c.do(t, "bin/guides"); !strings.HasSuffix(said, "all pieces ran\n") {
		t.Errorf("the pieces said %q", said)
	}

	for _, each := range []struct{ processor, dapp, want string }{
		{"bin/processor", "bin/dapp", "0.94\n"},
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
	_, body, found := strings.Cut(programs(t)["A dApp that asks"], "func main() {\n")
	if lines := strings.Count(strings.TrimSuffix(body, "}\n"), "\n"); !found || lines > 15 {
		t.Errorf("the dApp has %d lines", lines)
	}
}

func TestTheLinksOfTheReadmeLeadToItsHeadings(t *testing.T) {
	page := read(t, filepath.Join(root, "bindings", "go", "README.md"))
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^##+ (.*)$`).FindAllStringSubmatch(page, -1) {
		anchors[strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	links := regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(page, -1)
	if len(links) == 0 {
		t.Error("there are none")
	}
	for _, link := range links {
		if !anchors[link[1]] {
			t.Errorf("there is no %q", link[1])
		}
	}
}
