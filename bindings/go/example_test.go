package acurast_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

// processor stands in for a processor somewhere: it answers in capitals.
func processor(url string) (acurast.ID, func() error) {
	client, err := acurast.Dial(context.Background(), url)
	if err != nil {
		log.Fatal(err)
	}
	client.Handle(func(ctx context.Context, message acurast.Message) {
		client.Enqueue(ctx, message.Sender, []byte(strings.ToUpper(message.Text())))
	})
	return client.ID(), client.Close
}

// A dApp asks a processor, and waits for its answer.
func Example() {
	service, err := acurast.NewService() // in place of wss://…
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	id, end := processor(service.URL())
	defer end()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Send(ctx, id, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	answer, err := client.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Text(), answer.Sender == id)
	// Output: HELLO true
}

// A processor serves a method, and a dApp asks it.
func ExampleClient_Request() {
	service, err := acurast.NewService()
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	server, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	err = server.Serve(map[string]acurast.Handler{"price": func(ctx context.Context, request *acurast.Request) (any, error) {
		return 42.5, nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	client, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var price float64
	fmt.Println(client.Request(ctx, server.ID(), "price", []string{"ACU"}, &price), price)
	var remote *acurast.RemoteError
	err = client.Request(ctx, server.ID(), "weather", nil, nil)
	fmt.Println(errors.As(err, &remote), remote.Code)
	// Output:
	// <nil> 42.5
	// true -32601
}

// What became of a payload: who is connected has it, and who is not is named at once.
func ExampleClient_SendUntil() {
	service, err := acurast.NewService()
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	id, end := processor(service.URL())
	defer end()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Println(client.SendUntil(ctx, acurast.Delivered, id, []byte("hello")))
	_, err = client.SendUntil(ctx, acurast.Delivered, acurast.ID{1}, []byte("hello"))
	fmt.Println(errors.Is(err, acurast.ErrNotHere))
	// Output:
	// delivered <nil>
	// true
}

// Who is here, and who leaves.
func ExampleClient_Look() {
	service, err := acurast.NewService()
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	id, leave := processor(service.URL())

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	gone := client.Gone(ctx)
	seen, err := client.Look(ctx, id, acurast.ID{1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(seen[0].Presence, seen[1].Presence)
	leave()
	fmt.Println((<-gone).Presence) // it was here a moment ago, and has a mailbox
	// Output:
	// here not here
	// away
}

// An echo processor with a key pair that it keeps: its id stays the same.
func ExampleClient_Handle() {
	service, err := acurast.NewService()
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	secret := make([]byte, acurast.SecretSize) // yours comes from a file: see ParsePEM
	secret[0] = 1
	identity, err := acurast.IdentityFromSecret(acurast.P256, secret)
	if err != nil {
		log.Fatal(err)
	}
	defer identity.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	echo, err := acurast.Dial(ctx, service.URL(), acurast.WithIdentity(identity))
	if err != nil {
		log.Fatal(err)
	}
	defer echo.Close()
	echo.Handle(func(ctx context.Context, message acurast.Message) {
		if err := echo.Send(ctx, message.Sender, message.Payload); err != nil {
			log.Print(err)
		}
	})
	fmt.Println(echo.ID())

	asker, err := acurast.Dial(ctx, service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer asker.Close()
	for i := 1; i <= 3; i++ {
		if err := asker.SendJSON(ctx, echo.ID(), map[string]int{"number": i}); err != nil {
			log.Fatal(err)
		}
	}
	for i := 1; i <= 3; i++ {
		fmt.Println((<-asker.Messages()).Text())
	}
	// Output:
	// 07a862a768ee4c5af69613c7bf24eaa3
	// {"number":1}
	// {"number":2}
	// {"number":3}
}

// A service in the process, on a free port: a dApp's tests need no network and no other program.
func ExampleNewService() {
	service, err := acurast.NewService(acurast.WithMaxFrame(1<<20), acurast.WithDrainTime(time.Second))
	if err != nil {
		log.Fatal(err)
	}
	changes := service.States(context.Background())
	fmt.Println(service.State(), strings.HasPrefix(service.URL(), "ws://127.0.0.1:"))
	client, err := acurast.Dial(context.Background(), service.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Println(client.State())
	service.Close()
	for change := range changes {
		fmt.Println(change.State)
	}
	// Output:
	// listening true
	// connected
	// draining
	// closed
}

// A context ends the call that it is given to. What went wrong can be told apart by errors.Is.
func ExampleDial() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := acurast.Dial(ctx, "ws://127.0.0.1:1") // where nobody is
	fmt.Println(errors.Is(err, acurast.ErrTimeout), errors.Is(err, context.DeadlineExceeded))
	// Output: true true
}

// Only the owner of a key can read what was sealed for it; the service cannot.
func ExampleIdentity_Seal() {
	dApp, err := acurast.NewIdentity(acurast.P256)
	if err != nil {
		log.Fatal(err)
	}
	defer dApp.Close()
	processor, err := acurast.NewIdentity(acurast.P256)
	if err != nil {
		log.Fatal(err)
	}
	defer processor.Close()

	from, to := dApp.PublicKey(), processor.PublicKey()
	sealed, err := dApp.Seal(to[:], []byte("salt"), []byte("a secret"))
	if err != nil {
		log.Fatal(err)
	}
	plaintext, err := processor.Open(from[:], []byte("salt"), sealed)
	fmt.Println(string(plaintext), err)
	// Output: a secret <nil>
}
