// Table reads what the benchmarks say, of one round after another, and prints ours beside pure Go.
package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// figures are those of one line of a benchmark, by unit.
type figures map[string]float64

// rows are the lines, of all rounds, by the benchmark's name.
type rows struct {
	names []string // in their order
	lines map[string][]figures
}

// The figures that are shown, and what ours is to be at most beside pure Go; 0 for no target.
var shown = []struct {
	unit   string
	target float64
}{{"per-second", 0}, {"cpu-µs/op", 1}, {"allocs/op", 0}}

// maxAllocs is what a received message may allocate.
const maxAllocs = 2

func main() {
	read, err := parse(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%-16s %-11s %12s %12s %12s %12s\n", "", "", "ours", "pure Go", "C", "ours ÷ its")
	for _, name := range read.names {
		if row, compared := strings.CutSuffix(name, "/ours"); compared {
			printRow(row, read.lines[name], read.lines[row+"/pure"], read.lines["C/"+row])
		}
	}
	fmt.Printf("%-16s %-11s %12s\n", "CgoCall", "ns/op", number(median(values(read.lines["CgoCall"], "ns/op"))))
}

// parse reads lines such as `BenchmarkSend/ours-2  1000  12 ns/op  3 allocs/op`.
func parse(from io.Reader) (rows, error) {
	read := rows{lines: map[string][]figures{}}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		line := figures{}
		for i := 2; i+1 < len(words); i += 2 {
			value, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				return read, err
			}
			line[words[i+1]] = value
		}
		name := strings.TrimPrefix(words[0], "Benchmark")
		if dash := strings.LastIndexByte(name, '-'); dash > 0 {
			name = name[:dash]
		}
		if read.lines[name] == nil {
			read.names = append(read.names, name)
		}
		read.lines[name] = append(read.lines[name], line)
	}
	return read, lines.Err()
}

func printRow(row string, ours, pure, bare []figures) {
	for _, each := range shown {
		our, its := values(ours, each.unit), values(pure, each.unit)
		var ratios []float64
		for round := range min(len(our), len(its)) {
			ratios = append(ratios, our[round]/its[round])
		}
		ratio := median(ratios)
		line := fmt.Sprintf("%-16s %-11s %12s %12s %12s %12.2f", row, each.unit,
			number(median(our)), number(median(its)), number(median(values(bare, each.unit))), ratio)
		switch {
		case each.target > 0 && row != "Handshake": // which is no message
			line += verdict(ratio, each.target, "wanted ≤ %g: ")
		case (row == "Receive" || row == "Messages") && each.unit == "allocs/op":
			line += verdict(median(our), maxAllocs, "wanted ≤ %g a message: ")
		}
		fmt.Println(line)
	}
}

// values are one figure's, of the rounds that have it.
func values(rounds []figures, unit string) (found []float64) {
	for _, each := range rounds {
		if value, has := each[unit]; has {
			found = append(found, value)
		}
	}
	return found
}

func verdict(value, target float64, wanted string) string {
	text := "   " + fmt.Sprintf(wanted, target)
	if value <= target {
		return text + "reached"
	}
	return text + "MISSED"
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// number has four digits that count, at least.
func number(value float64) string {
	if math.IsNaN(value) {
		return "-"
	}
	if value >= 1000 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 4, 64)
}
