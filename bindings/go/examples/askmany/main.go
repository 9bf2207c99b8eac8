// Command askmany asks several processors for a price, and takes what three of them agree on: `askmany URL PAIR PROCESSOR...`. It prints it,
// a tab and the milliseconds, and then who has said what.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

const need = 3

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: askmany URL PAIR PROCESSOR...")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		log.Fatal(err)
	}
}

func run(url, pair string, processors []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var ids []acurast.ID
	for _, processor := range processors {
		id, err := acurast.ParseID(processor)
		if err != nil {
			return fmt.Errorf("%s: %w", processor, err)
		}
		ids = append(ids, id)
	}
	client, err := acurast.Dial(ctx, url)
	if err != nil {
		return err
	}
	defer client.Close()
	began := time.Now()
	var agreed struct{ Price float64 }
	params := map[string]string{"pair": pair}
	answers, err := client.RequestMany(ctx, ids, "price", params, &agreed, acurast.Need(need), acurast.Agree())
	if err != nil {
		return err // a *acurast.NotEnoughError where they do not agree
	}
	fmt.Printf("%v\t%.3f\n", agreed.Price, float64(time.Since(began).Microseconds())/1000)
	for _, each := range answers {
		var said struct{ Price float64 }
		if json.Unmarshal(each.Result, &said) == nil {
			fmt.Println(each.From, said.Price)
		}
	}
	return nil
}
