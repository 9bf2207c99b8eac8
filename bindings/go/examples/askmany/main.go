// Command askmany asks many processors and takes the first three answers: `askmany URL ID ID ID ID ...`.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"
	"unicode"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

const need = 3

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: askmany URL ID ...")
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}

func run(url string, processors []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := acurast.Dial(ctx, url)
	if err != nil {
		return err
	}
	defer client.Close()
	asked := map[acurast.ID]bool{} // false once it has answered
	for _, processor := range processors {
		id, err := acurast.ParseID(processor)
		if err != nil {
			return fmt.Errorf("%s: %w", processor, err)
		}
		asked[id] = true
	}
	for id := range asked {
		if err := client.Enqueue(ctx, id, []byte("what time is it?")); err != nil {
			return err
		}
	}
	return answers(ctx, client, asked)
}

func answers(ctx context.Context, client *acurast.Client, asked map[acurast.ID]bool) error {
	for left := min(need, len(asked)); left > 0; {
		message, err := client.Receive(ctx)
		if err != nil {
			return err
		}
		if asked[message.Sender] {
			asked[message.Sender] = false
			left--
			fmt.Println(message.Sender, printable(message.Text()))
		}
	}
	return nil
}

// printable keeps what a stranger wrote from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
