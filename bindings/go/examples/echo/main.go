// Command echo is an echo processor: `echo URL [KEY.pem]`. Ctrl-C ends it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		log.Fatal("usage: echo URL [KEY.pem]")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2:]); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url string, key []string) error {
	identity, err := identityOf(key)
	if err != nil {
		return err
	}
	client, err := acurast.Dial(ctx, url, acurast.WithIdentity(identity))
	if err != nil {
		return err
	}
	defer client.Close()
	fmt.Println("id", client.ID())
	for {
		message, err := client.Receive(ctx)
		if err != nil {
			return err
		}
		if err := client.Enqueue(ctx, message.Sender, message.Payload); err != nil {
			return err
		}
	}
}

func identityOf(key []string) (*acurast.Identity, error) {
	if len(key) == 0 {
		return acurast.NewIdentity(acurast.P256)
	}
	pem, err := os.ReadFile(key[0])
	if err != nil {
		return nil, err
	}
	return acurast.ParsePEM(pem)
}
