"""Traces that a thread of the load time exports in batches, flushed before the restore."""

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from groundhog.hooks import register_before_restore

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer(__name__)
register_before_restore(provider.force_flush, 2000)


def main(params):
    with tracer.start_as_current_span("order") as order:
        for number in range(params["n"]):
            with tracer.start_as_current_span(f"item {number}"):
                pass
    return {
        "trace": format(order.get_span_context().trace_id, "032x"),
        "kept": len(exporter.get_finished_spans()),
    }
