// Command service is a websocket service to try things with: `service ADDRESS:PORT`. Ctrl-C ends it.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: service ADDRESS:PORT")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	service, err := acurast.NewService(acurast.WithListen(os.Args[1]), acurast.WithLogger(slog.Default()))
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	fmt.Println("listening on", service.URL())
	<-ctx.Done()
}
