"""What has to exist in RabbitMQ: the queue, and where its dead letters go."""

from aiormq.abc import AbstractChannel

# A worker holds deliveries while its store is away, it does not give them back in a loop; so many returns mean
# many crashes. RabbitMQ 4 would dead-letter after 20.
_DELIVERY_LIMIT = 1000


def dead_letters_of(queue: str) -> str:
    """The name of both the exchange and the queue for dead letters."""
    return f"{queue}.dead"


async def declare(channel: AbstractChannel, queue: str, max_size_bytes: int) -> None:
    """Safe to repeat; fails with PRECONDITION_FAILED when the queue exists with other arguments."""
    dead = dead_letters_of(queue)
    await channel.exchange_declare(dead, exchange_type="fanout", durable=True)
    await channel.queue_declare(dead, durable=True, arguments={"x-queue-type": "quorum"})
    await channel.queue_bind(dead, dead)
    await channel.queue_declare(
        queue,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-overflow": "reject-publish",
            "x-max-length-bytes": max_size_bytes,
            "x-dead-letter-exchange": dead,
            "x-dead-letter-strategy": "at-least-once",  # since 3.10; needs reject-publish
            "x-delivery-limit": _DELIVERY_LIMIT,
        },
    )
