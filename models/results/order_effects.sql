{{ compared_result('order_effects') }}
