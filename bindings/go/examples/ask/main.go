// Command ask asks a processor for a price: `ask URL PROCESSOR PAIR`. It prints it, or why there is none, then a tab and the milliseconds.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: ask URL PROCESSOR PAIR")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func run(url, processor, pair string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	to, err := acurast.ParseID(processor)
	if err != nil {
		return err
	}
	client, err := acurast.Dial(ctx, url)
	if err != nil {
		return err
	}
	defer client.Close()
	began := time.Now()
	answer, err := priceOf(ctx, client, to, pair)
	if err != nil {
		return err
	}
	fmt.Printf("%s\t%.3f\n", answer, float64(time.Since(began).Microseconds())/1000)
	return nil
}

// priceOf is the price, or why there is none.
func priceOf(ctx context.Context, client *acurast.Client, to acurast.ID, pair string) (string, error) {
	var answer struct{ Price float64 }
	var remote *acurast.RemoteError
	switch err := client.Request(ctx, to, "price", map[string]string{"pair": pair}, &answer); {
	case errors.Is(err, acurast.ErrNotHere):
		return "not here", nil // at once: nobody waits for a deadline
	case errors.As(err, &remote):
		return fmt.Sprint("error ", remote.Code), nil
	default:
		return fmt.Sprint(answer.Price), err
	}
}
