{{ result_table('order_effects') }}
