import { connect } from 'acurast';

interface Price {
  price: number;
}

export async function priceOf(processor: string): Promise<number> {
  await using client = await connect('wss://one.example');
  const { price } = await client.request<Price>(processor, 'price', { pair: 'EUR/CHF' });
  return price;
}
