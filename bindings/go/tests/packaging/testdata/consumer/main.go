// A user's program: a service of its own, an echo and a dApp that exchange one message.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/libacurast/libacurast/bindings/go"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	service, err := acurast.NewService()
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	echo, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer echo.Close()
	echo.Handle(func(ctx context.Context, message acurast.Message) {
		echo.Send(ctx, message.Sender, message.Payload)
	})
	dApp, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer dApp.Close()
	if err := dApp.Send(ctx, echo.ID(), []byte("there and back")); err != nil {
		log.Fatal(err)
	}
	message, err := dApp.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(message.Text())
}
